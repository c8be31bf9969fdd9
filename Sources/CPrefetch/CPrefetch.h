// The processor's hint that memory will be read soon, which Swift cannot give.
#pragma once

static inline void cprefetch(const void *address) { __builtin_prefetch(address); }
