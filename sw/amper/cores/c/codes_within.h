/* Sixteen codes compared at once. */
#ifndef AMPER_CODES_WITHIN_H
#define AMPER_CODES_WITHIN_H

#include <stdint.h>

#include "compiler.h"

#if defined(__SSE2__)
#include <emmintrin.h>

INLINE __m128i eight_within(const uint16_t *code, __m128i low, __m128i width)
{
    __m128i above = _mm_sub_epi16(_mm_loadu_si128((const __m128i *)code), low); /* a code below comes out far above */
    return _mm_cmpeq_epi16(_mm_subs_epu16(above, width), _mm_setzero_si128());
}

/* One bit for each of 16 codes: whether it is low to low + width. */
INLINE uint64_t codes_within(const uint16_t *code, uint16_t low, uint16_t width)
{
    __m128i lows = _mm_set1_epi16((short)low), widths = _mm_set1_epi16((short)width);
    __m128i within = _mm_packs_epi16(eight_within(code, lows, widths), eight_within(code + 8, lows, widths));
    return (uint64_t)_mm_movemask_epi8(within);
}
#else
INLINE uint64_t codes_within(const uint16_t *code, uint16_t low, uint16_t width)
{
    uint64_t within = 0;
    for (int k = 0; k < 16; k++)
        within |= (uint64_t)((uint16_t)(code[k] - low) <= width) << k;
    return within;
}
#endif

#endif
