// Gzip by Intel's ISA-L, which unpacks two to three times as fast as zlib. Its state is too large a structure for Swift, which sees a pointer.
#pragma once

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

/// A state to unpack gzip with; null without memory.
static inline void *cisal_create(void) {
  struct inflate_state *state = malloc(sizeof(struct inflate_state));
  if (state == NULL) return NULL;
  isal_inflate_init(state);
  state->crc_flag = ISAL_GZIP;
  return state;
}

static inline void cisal_free(void *state) { free(state); }

/// Begins the next member.
static inline void cisal_reset(void *opaque) {
  struct inflate_state *state = opaque;
  isal_inflate_reset(state);
  state->crc_flag = ISAL_GZIP;
}

/// Unpacks from `in` into `out` as much as fits, and leaves in the counts what is left of both. Below 0 for bytes that no gzip has, 1 at the end
/// of a member, otherwise 0.
static inline int cisal_unpack(void *opaque, const uint8_t *in, uint32_t *in_count, uint8_t *out, uint32_t *out_count) {
  struct inflate_state *state = opaque;
  state->next_in = (uint8_t *)in;
  state->avail_in = *in_count;
  state->next_out = out;
  state->avail_out = *out_count;
  int status = isal_inflate(state);
  *in_count = state->avail_in;
  *out_count = state->avail_out;
  if (status < 0) return status;
  return state->block_state == ISAL_BLOCK_FINISH;
}
