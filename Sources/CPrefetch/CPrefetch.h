// The processor's hints that memory will be read or written soon, which Swift cannot give.
#pragma once

static inline void cprefetch(const void *address) { __builtin_prefetch(address); }

static inline void cprefetchforwriting(void *address) { __builtin_prefetch(address, 1); }
