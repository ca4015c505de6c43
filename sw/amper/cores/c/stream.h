/* A random stream of docs/reference/algorithm.md: xoroshiro128++. */
#ifndef AMPER_STREAM_H
#define AMPER_STREAM_H

#include <stdint.h>

#include "compiler.h"

typedef struct {
    uint64_t s0, s1;
} Stream;

INLINE uint64_t stream_next(Stream *stream)
{
    uint64_t s0 = stream->s0, s1 = stream->s1, sum = s0 + s1;
    s1 ^= s0;
    stream->s0 = (s0 << 49 | s0 >> 15) ^ s1 ^ s1 << 21;
    stream->s1 = s1 << 28 | s1 >> 36;
    return (sum << 17 | sum >> 47) + s0;
}

#endif
