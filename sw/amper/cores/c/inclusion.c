#include "inclusion.h"

#define COVER_GROWTH (256.0 / 255.0)

/* Add to each group's chance of a match that of a value in [low, high), with the density a + b * value. */
INLINE void add_piece(double *miss_of, int64_t groups, double vmax, double low, double high, double a, double b)
{
    double per_unit = (double)groups / vmax;
    for (int64_t i = (int64_t)(low * per_unit) - 1 > 0 ? (int64_t)(low * per_unit) - 1 : 0; i < groups; i++) {
        double start = (double)i / per_unit, end = (double)(i + 1) / per_unit;
        if (start >= high)
            break;
        double from = low > start ? low : start, to = high < end ? high : end;
        if (from < to)
            miss_of[i] -= (to - from) * per_unit * (a + b * (0.5 * (from + to)));
    }
}

/* All sizes of block that can hold the priority; 2^(s-1) <= radius < 2^s. */
static void add_blocks(const Query *query, double coefficient, double priority, double *miss_of)
{
    double lowest = priority / (1.0 / coefficient + 2.0);
    double half = from_bits(bits_of(lowest) & 0x7FF0000000000000u) * 0.5;
    for (;; half = 2.0 * half) {
        double block = 2.0 * half, from = half / coefficient, to = block / coefficient;
        if (from >= query->vmax || from >= priority + 4.0 * half)
            return;
        to = to < query->vmax ? to : query->vmax;
        double low = (double)(int64_t)(priority / block) * block, slope = coefficient / half;
        double start = low > from ? low : from, end = low + block < to ? low + block : to;
        int dithered = query->variant == FR_DITHERED;
        add_piece(miss_of, query->groups, query->vmax, start, end, dithered ? 2.0 : 1.0, dithered ? -slope : 0.0);
        if (dithered) {
            block = 2.0 * block;
            low = (double)(int64_t)(priority / block) * block;
            start = low > from ? low : from;
            end = low + block < to ? low + block : to;
            add_piece(miss_of, query->groups, query->vmax, start, end, -1.0, slope);
        }
    }
}

double inclusion(const Query *query, double priority, double *miss_of)
{
    double coefficient = query->scale * (1.0 / (double)query->groups), miss = 1.0;
    for (int64_t i = 0; i < query->groups; i++)
        miss_of[i] = 1.0;
    if (query->variant == FR) {
        double high = coefficient < 1.0 ? priority / (1.0 - coefficient) : query->vmax;
        high = high < query->vmax ? high : query->vmax;
        add_piece(miss_of, query->groups, query->vmax, priority / (1.0 + coefficient), high, 1.0, 0.0);
    } else {
        add_blocks(query, coefficient, priority, miss_of);
    }
    for (int64_t i = 0; i < query->groups; i++)
        miss = miss * (miss_of[i] > 0.0 ? miss_of[i] : 0.0);
    return 1.0 - miss > 0x1p-53 ? 1.0 - miss : 0x1p-53;
}

void cover_add(Cover *cover, const Query *query)
{
    for (int64_t i = 0; i < query->count; i++) {
        int64_t low = query->interval[i].low, high = query->interval[i].high;
        for (int64_t bin = low >> 5; bin <= high >> 5; bin++) {
            int64_t from = bin * 32 > low ? bin * 32 : low, to = bin * 32 + 31 < high ? bin * 32 + 31 : high;
            cover->bin[bin] += (double)(to - from + 1) * 0.03125 * cover->weight;
        }
    }
    cover->total += cover->weight;
    cover->weight = cover->weight * COVER_GROWTH;
    if (cover->weight > 0x1p400) {
        cover->weight *= 0x1p-400;
        cover->total *= 0x1p-400;
        for (int64_t bin = 0; bin < COVER_BINS; bin++)
            cover->bin[bin] *= 0x1p-400;
    }
}
