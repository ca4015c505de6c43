/* Nodes of 16 sums, each that of the entries before it: the entries after one get more. */
#ifndef AMPER_SIXTEEN_H
#define AMPER_SIXTEEN_H

#include <stdint.h>

#include "compiler.h"

/* From entry 15 - at on: 0 for the entries up to `at` of 16, all ones for those after it. */
static const int64_t after_i64[31] = {[16] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
static const uint32_t after_u32[31] = {[16] = ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};

#if defined(__GNUC__)
/* Said outright: GCC 12 makes of a loop either vectors or straight code, and jumps in here are often mispredicted. */
typedef int64_t FourI64 __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint32_t EightU32 __attribute__((vector_size(32), aligned(4), may_alias));

INLINE void add_after_i64(int64_t *node, int64_t at, int64_t delta)
{
    const FourI64 *after = (const FourI64 *)(after_i64 + 15 - at);
    FourI64 *sums = (FourI64 *)node;
    sums[0] += delta & after[0];
    sums[1] += delta & after[1];
    sums[2] += delta & after[2];
    sums[3] += delta & after[3];
}

INLINE void add_after_u32(uint32_t *node, uint32_t at, uint32_t delta)
{
    const EightU32 *after = (const EightU32 *)(after_u32 + 15 - at);
    EightU32 *sums = (EightU32 *)node;
    sums[0] += delta & after[0];
    sums[1] += delta & after[1];
}
#else
INLINE void add_after_i64(int64_t *node, int64_t at, int64_t delta)
{
    for (int k = 0; k < 16; k++)
        node[k] += delta & after_i64[15 - at + k];
}

INLINE void add_after_u32(uint32_t *node, uint32_t at, uint32_t delta)
{
    for (int k = 0; k < 16; k++)
        node[k] += delta & after_u32[15 - at + k];
}
#endif

#endif
