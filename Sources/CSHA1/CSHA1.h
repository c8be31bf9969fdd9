// SHA-1 by the processor's own instructions, which Swift cannot name: three blocks in the time of one.
//
// Source of the scheme: Intel, "Intel SHA Extensions", 2013. A step does four rounds; the state is a, b, c, d in one vector, a highest,
// and e comes from the a of four rounds before:
//
//     message words   w[i] = msg2(msg1(w[i-4], w[i-3]) ^ w[i-2], w[i-1])     four words each, i counting steps
//     e + words       next = nexte(abcd before the last step, w[i])
//     four rounds     abcd = rnds4(abcd, next, i / 5)
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/// Whether this processor has the instructions: SHA (leaf 7, EBX bit 29), SSSE3 (leaf 1, ECX bit 9) and SSE4.1 (bit 19).
static inline int csha1_is_supported(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 9) || !(c & 1u << 19)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}

#define CSHA1_STEP(step, words)                      \
  next = _mm_sha1nexte_epu32(before, words);         \
  before = abcd;                                     \
  abcd = _mm_sha1rnds4_epu32(abcd, next, (step) / 5)

#define CSHA1_MIX(step, w0, w1, w2, w3)                                                      \
  w0 = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w0, w1), w2), w3);                \
  CSHA1_STEP(step, w0)

#define CSHA1_MIX_FOUR(step)          \
  CSHA1_MIX(step, w0, w1, w2, w3);    \
  CSHA1_MIX(step + 1, w1, w2, w3, w0); \
  CSHA1_MIX(step + 2, w2, w3, w0, w1); \
  CSHA1_MIX(step + 3, w3, w0, w1, w2)

/// Takes `count` blocks of 64 bytes into `state`. Only where `csha1_is_supported`.
__attribute__((target("sha,sse4.1,ssse3")))
static inline void csha1_take_blocks(uint32_t state[5], const uint8_t *blocks, size_t count) {
  const __m128i order = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1b);
  __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
  for (; count > 0; count--, blocks += 64) {
    __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks), order);
    __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16)), order);
    __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 32)), order);
    __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 48)), order);
    const __m128i abcd_before = abcd;
    // The first step has its e as it is, not rotated.
    __m128i next = _mm_add_epi32(e, w0);
    __m128i before = abcd;
    abcd = _mm_sha1rnds4_epu32(abcd, next, 0);
    CSHA1_STEP(1, w1);
    CSHA1_STEP(2, w2);
    CSHA1_STEP(3, w3);
    CSHA1_MIX_FOUR(4);
    CSHA1_MIX_FOUR(8);
    CSHA1_MIX_FOUR(12);
    CSHA1_MIX_FOUR(16);
    e = _mm_sha1nexte_epu32(before, e);
    abcd = _mm_add_epi32(abcd, abcd_before);
  }
  _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1b));
  state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

#undef CSHA1_STEP
#undef CSHA1_MIX
#undef CSHA1_MIX_FOUR

#else

static inline int csha1_is_supported(void) { return 0; }
static inline void csha1_take_blocks(uint32_t state[5], const uint8_t *blocks, size_t count) {
  (void)state;
  (void)blocks;
  (void)count;
}

#endif
