#include "planes.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "compiler.h"
#include "memory.h"
#include "sixteen.h"

#define BLOCK_LOG2 6
#define TOGETHER 64 /* draws whose loads overlap */

int planes_new(Planes *p)
{
    int64_t entries = (p->places.rows + 63) >> BLOCK_LOG2;
    p->plane = lines_new(entries * p->places.width * (int64_t)sizeof *p->plane, &p->memory[PLANES_LEVELS]);
    if (p->plane == NULL)
        return -1;
    do {
        int level = p->levels++;
        int64_t nodes = p->nodes[level] = (entries + 15) >> 4;
        p->node[level] = lines_new(nodes * p->places.width * 16 * (int64_t)sizeof **p->node, &p->memory[level]);
        if (p->node[level] == NULL)
            return -1;
        entries = nodes;
    } while (entries > 1);
    return 0;
}

void planes_free(Planes *p)
{
    for (int i = 0; i <= PLANES_LEVELS; i++)
        free(p->memory[i]);
}

static uint64_t planes_code(const Planes *p, const uint64_t *plane, int64_t row)
{
    uint64_t code = 0;
    for (int k = 0; k < p->places.width; k++)
        code |= (plane[k] >> (row & 63) & 1) << k;
    return code;
}

FOR_EACH_CPU
static void planes_set(Planes *p, int64_t row, uint64_t code)
{
    int64_t block = row >> BLOCK_LOG2;
    uint64_t *plane = p->plane + block * p->places.width, old = planes_code(p, plane, row);
    p->places.held += (code != 0) - (old != 0);
    for (uint64_t left = old ^ code; left; left &= left - 1) {
        int k = lowest_bit(left);
        uint32_t delta = code >> k & 1 ? 1u : ~0u;
        int64_t entry = block;
        plane[k] ^= (uint64_t)1 << (row & 63);
        p->count[k] += (int64_t)(int32_t)delta;
        for (int level = 0; level < p->levels; level++, entry >>= 4)
            add_after_u32(p->node[level] + ((entry >> 4) * p->places.width + k) * 16, (uint32_t)entry & 15, delta);
    }
}

void planes_write(Planes *p, const int64_t *row, const int64_t *code, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i + 4 < count)
            PREFETCH(p->plane + (row[i + 4] >> BLOCK_LOG2) * p->places.width);
        planes_set(p, row[i], (uint64_t)code[i]);
    }
}

void planes_clear(Planes *p)
{
    memset(p->plane, 0, (size_t)((p->places.rows + 63) >> BLOCK_LOG2) * (size_t)p->places.width * sizeof *p->plane);
    for (int level = 0; level < p->levels; level++)
        memset(p->node[level], 0, (size_t)p->nodes[level] * (size_t)p->places.width * 16 * sizeof **p->node);
    memset(p->count, 0, sizeof p->count);
    p->places.held = 0;
}

uint64_t planes_total(const Planes *p)
{
    uint64_t total = 0;
    for (int k = 0; k < p->places.width; k++)
        total += p->count[k] << k;
    return total;
}

/* The place of the bit with `rank` set bits below it. */
INLINE int bit_of_rank(uint64_t bits, uint32_t rank)
{
    int at = 0;
    for (int half = 32; half > 0; half >>= 1) {
        uint64_t low = bits & (((uint64_t)1 << half) - 1);
        uint32_t count = (uint32_t)bits_set(low);
        int above = count <= rank;
        rank -= above ? count : 0;
        at += above ? half : 0;
        bits = above ? bits >> half : low;
    }
    return at;
}

/* The last of 16 ascending counts that is at most `rank`; the first is 0. */
INLINE int64_t entry_of_rank(const uint32_t *before, uint32_t rank)
{
    int64_t at = 0;
    for (int i = 1; i < 16; i++)
        at += before[i] <= rank;
    return at;
}

/* Rows of places: all draws go down level by level, so that their loads overlap. */
FOR_EACH_CPU
static void planes_find(const Planes *p, const uint64_t *place, int64_t *row, int64_t count)
{
    uint64_t sum[CODE_WIDTH + 1] = {0};
    uint32_t rank[TOGETHER];
    int plane[TOGETHER];
    for (int k = 0; k < p->places.width; k++)
        sum[k + 1] = sum[k] + (p->count[k] << k);
    for (int64_t i = 0; i < count; i++) {
        int k = 0;
        for (int other = 1; other < p->places.width; other++)
            k += sum[other] <= place[i];
        plane[i] = k;
        rank[i] = (uint32_t)((place[i] - sum[k]) >> k);
        row[i] = 0;
    }
    for (int level = p->levels - 1; level >= 0; level--)
        for (int64_t i = 0; i < count; i++) {
            const uint32_t *before = p->node[level] + (row[i] * p->places.width + plane[i]) * 16;
            int64_t entry = entry_of_rank(before, rank[i]);
            rank[i] -= before[entry];
            row[i] = row[i] * 16 + entry;
            if (level > 0)
                PREFETCH(p->node[level - 1] + (row[i] * p->places.width + plane[i]) * 16);
            else
                PREFETCH(p->plane + row[i] * p->places.width + plane[i]);
        }
    for (int64_t i = 0; i < count; i++)
        row[i] = row[i] * 64 + bit_of_rank(p->plane[row[i] * p->places.width + plane[i]], rank[i]);
}

void planes_sample(Planes *p, int64_t batch, int64_t *row)
{
    uint64_t place[PLACES_BATCH], total = planes_total(p);
    for (int64_t done = 0; done < batch; done += PLACES_BATCH) {
        int64_t lot = batch - done < PLACES_BATCH ? batch - done : PLACES_BATCH;
        places_draw(&p->places, total, place, lot);
        for (int64_t i = 0; i < lot; i += TOGETHER)
            planes_find(p, place + i, row + done + i, lot - i < TOGETHER ? lot - i : TOGETHER);
    }
}
