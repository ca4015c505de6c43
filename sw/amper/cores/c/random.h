/* Random words by counter: word i of a key is SplitMix64's i-th, so a block of them can be computed at once, here and
 * in NumPy, and the whole state is (key, counter). */
#ifndef AMPER_RANDOM_H
#define AMPER_RANDOM_H

#include <stdint.h>

#include "compiler.h"

INLINE uint64_t random_word(uint64_t key, uint64_t counter)
{
    uint64_t word = key + (counter + 1) * 0x9E3779B97F4A7C15u;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
}

/* Uniform in [0, 1), 53 bits. */
INLINE double random_unit(uint64_t key, uint64_t counter)
{
    return (double)(int64_t)(random_word(key, counter) >> 11) * 0x1p-53;
}

/* Uniform in 0 .. bound - 1: the high half of the product. Each result is off by less than 2^-64. */
INLINE uint64_t random_below(uint64_t word, uint64_t bound)
{
#if defined(__SIZEOF_INT128__)
    return (uint64_t)(((unsigned __int128)word * bound) >> 64);
#else
    uint64_t a = word >> 32, b = word & 0xFFFFFFFFu, c = bound >> 32, d = bound & 0xFFFFFFFFu;
    uint64_t middle = a * d + ((b * d) >> 32), other = b * c + (middle & 0xFFFFFFFFu);
    return a * c + (middle >> 32) + (other >> 32);
#endif
}

#endif
