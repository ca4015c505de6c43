#include "exact.h"

#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "variant.h"

#define EXACT_BLOCK 64    /* rows */
#define SCALE_FRACTION 20 /* bits of the coefficients */

int exact_new(Exact *e)
{
    int64_t blocks = (e->rows + EXACT_BLOCK - 1) / EXACT_BLOCK;
    e->code = calloc((size_t)blocks * EXACT_BLOCK, sizeof *e->code);
    e->before = calloc((size_t)blocks, sizeof *e->before);
    e->count = calloc((size_t)1 << EXACT_WIDTH, sizeof *e->count);
    e->member = calloc((size_t)1 << EXACT_WIDTH, 1);
    return e->code && e->before && e->count && e->member ? 0 : -1;
}

void exact_free(Exact *e)
{
    free(e->code);
    free(e->before);
    free(e->count);
    free(e->member);
}

/* Store a code in a row, or 0 to make it invalid. */
static void exact_set(Exact *e, int64_t row, uint32_t code)
{
    uint32_t old = e->code[row];
    if (old) {
        e->count[old]--;
        e->coarse[old >> 8]--;
    }
    if (code) {
        e->count[code]++;
        e->coarse[code >> 8]++;
    }
    e->held += (code != 0) - (old != 0);
    e->code[row] = (uint16_t)code;
    if (code && row >= e->used)
        e->used = row + 1;
}

void exact_write(Exact *e, const int64_t *row, const int64_t *code, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        exact_set(e, row[i], (uint32_t)code[i]);
}

void exact_clear(Exact *e)
{
    for (int64_t row = 0; row < e->used; row++)
        exact_set(e, row, 0);
    e->used = 0;
}

/* The largest code that a row has; at least one is valid. */
static uint32_t exact_vmax(const Exact *e)
{
    uint32_t coarse = 255;
    while (e->coarse[coarse] == 0)
        coarse--;
    uint32_t code = coarse << 8 | 255;
    while (e->count[code] == 0)
        code--;
    return code;
}

/* Rows with a code below `code`. */
FOR_EACH_CPU
static uint64_t exact_below(const Exact *e, uint32_t code)
{
    uint32_t sum = 0, whole = code >> 8;
    for (uint32_t i = 0; i < whole; i++)
        sum += e->coarse[i];
    for (uint32_t i = whole << 8; i < code; i++)
        sum += e->count[i];
    return sum;
}

static uint32_t exact_representative(const Exact *e, int group, uint64_t u, uint32_t vmax)
{
    uint64_t place = (((uint64_t)group << e->fraction_width) + u) * e->reciprocal >> e->reciprocal_shift;
    return (uint32_t)(place * ((uint64_t)vmax + 1) >> e->fraction_width);
}

/* Codes first to last, both included, are in the candidate set, or no longer. */
static void exact_mark(Exact *e, const uint32_t *interval, int is_member)
{
    uint32_t first = interval[0] ? interval[0] : 1; /* code 0 is no code */
    if (first <= interval[1])
        memset(e->member + first, is_member, interval[1] - first + 1);
}

/* The codes within `radius` of a value. */
static void exact_around(const Exact *e, uint32_t value, uint32_t radius, uint32_t *interval)
{
    uint32_t top = (1u << e->width) - 1;
    interval[0] = value > radius ? value - radius : 0;
    interval[1] = value + radius < top ? value + radius : top;
}

/* The codes that a group of an fr variant matches. */
static void exact_matched(const Exact *e, uint32_t value, uint64_t word, uint32_t *interval)
{
    uint64_t top = (1u << e->width) - 1, product = value * e->radius >> SCALE_FRACTION;
    uint32_t radius = (uint32_t)(product < top ? product : top);
    int ignored = 0;
    if (e->variant == FR) {
        exact_around(e, value, radius, interval);
        return;
    }
    while (radius >> ignored)
        ignored++;
    if (e->variant == FR_DITHERED && radius > 0) {
        uint64_t half = (uint64_t)1 << (ignored - 1);
        ignored += word % half < radius - half;
    }
    uint32_t low_bits = (1u << (ignored < e->width ? ignored : e->width)) - 1;
    interval[0] = value & ~low_bits;
    interval[1] = value | low_bits;
}

/* The codes that group `group` of k matches; an empty interval if no row is in the group. */
static void exact_nearest(const Exact *e, int group, uint32_t value, uint32_t vmax, uint32_t *interval)
{
    uint32_t first = exact_representative(e, group, 0, vmax);
    uint32_t end = group == e->groups - 1 ? vmax + 1 : exact_representative(e, group + 1, 0, vmax);
    uint64_t members = exact_below(e, end) - exact_below(e, first);
    interval[0] = 1;
    interval[1] = 0;
    if (members == 0)
        return;
    uint64_t divisor = (uint64_t)vmax << SCALE_FRACTION;
    uint64_t wanted = (e->neighbours * value * members + divisor - 1) / divisor;
    wanted = wanted < 1 ? 1 : wanted > (uint64_t)e->held ? (uint64_t)e->held : wanted;
    uint32_t radius = 0;
    for (int bit = e->width - 1; bit >= 0; bit--) {
        exact_around(e, value, radius + (1u << bit) - 1, interval);
        if (exact_below(e, interval[1] + 1) - exact_below(e, interval[0]) < wanted)
            radius += 1u << bit;
    }
    exact_around(e, value, radius, interval);
}

/* Counts the members before each block; returns how many there are. */
static uint32_t exact_count(Exact *e)
{
    const uint8_t *member = e->member;
    uint32_t total = 0;
    for (int64_t block = 0; block * EXACT_BLOCK < e->used; block++) {
        const uint16_t *code = e->code + block * EXACT_BLOCK;
        uint32_t sum = 0;
        e->before[block] = total;
        for (int i = 0; i < EXACT_BLOCK; i++)
            sum += member[code[i]];
        total += sum;
    }
    return total;
}

/* The member that has `rank` members before it. */
static int64_t exact_find(const Exact *e, uint32_t rank)
{
    int64_t low = 0, blocks = (e->used + EXACT_BLOCK - 1) / EXACT_BLOCK;
    for (int64_t size = blocks; size > 1; size -= size / 2)
        low += e->before[low + size / 2] <= rank ? size / 2 : 0;
    int64_t row = low * EXACT_BLOCK;
    uint32_t left = rank - e->before[low] + 1;
    while (left -= e->member[e->code[row]])
        row++;
    return row;
}

int64_t exact_sample(Exact *e, int64_t batch, int64_t *row)
{
    uint32_t interval[EXACT_GROUPS][2], all[2] = {1, (1u << e->width) - 1};
    uint32_t vmax = exact_vmax(e);
    for (int group = 0; group < e->groups; group++) {
        uint64_t word = stream_next(&e->query);
        uint32_t value = exact_representative(e, group, word >> (64 - e->fraction_width), vmax);
        if (e->variant == NEAREST)
            exact_nearest(e, group, value, vmax, interval[group]);
        else
            exact_matched(e, value, word, interval[group]);
        exact_mark(e, interval[group], 1);
    }
    uint32_t csp_size = exact_count(e), drawn_from = csp_size;
    if (csp_size == 0) {
        exact_mark(e, all, 1);
        drawn_from = exact_count(e);
    }
    for (int64_t i = 0; i < batch; i++)
        row[i] = exact_find(e, (uint32_t)((stream_next(&e->draw) >> 32) * drawn_from >> 32));
    for (int group = 0; group < e->groups; group++)
        exact_mark(e, interval[group], 0);
    if (csp_size == 0)
        exact_mark(e, all, 0);
    return csp_size;
}
