/* A batch: the candidate set, then uniform draws from it. */
#ifndef AMPER_DRAWS_H
#define AMPER_DRAWS_H

#include "inclusion.h"

#define TRIES 16 /* random rows tried at a time */
#define AHEAD 3  /* times TRIES: rows whose codes are fetched before they are looked at */

/* The rows to try with the words from `counter` on; their codes are fetched. */
INLINE void try_rows(uint64_t *row, const uint16_t *code, uint64_t used, uint64_t key, uint64_t counter)
{
    for (int k = 0; k < TRIES; k++)
        row[k] = random_word(key, counter + (uint64_t)k);
    for (int k = 0; k < TRIES; k++) {
        row[k] = random_below(row[k], used);
        PREFETCH(code + row[k]);
    }
}

/* Random rows until `batch` of them have a member code. Room for batch + TRIES. Returns the words taken. */
FOR_EACH_CPU
static uint64_t draw_by_rejection(const uint16_t *code, const uint64_t *member, uint64_t used, uint64_t key,
                                  uint64_t counter, int64_t *row, int64_t batch)
{
    uint64_t taken = 0, ring[AHEAD + 1][TRIES];
    for (uint64_t i = 0; i < AHEAD; i++)
        try_rows(ring[i], code, used, key, counter + i * TRIES);
    for (int64_t count = 0; count < batch; taken += TRIES) {
        const uint64_t *tried = ring[taken / TRIES % (AHEAD + 1)];
        uint64_t last = taken / TRIES + AHEAD;
        try_rows(ring[last % (AHEAD + 1)], code, used, key, counter + last * TRIES);
        for (int k = 0; k < TRIES; k++) {
            uint64_t at = tried[k];
            uint32_t c = code[at];
            row[count] = (int64_t)at;
            count += (int64_t)(member[c >> 6] >> (c & 63) & 1);
        }
    }
    return taken;
}

/* The candidate set's rows in a list, and draws from it: where random rows would seldom hit it. */
static uint64_t draw_from_list(const CodeIndex *index, const Query *query, uint64_t rows, uint32_t *list, uint64_t key,
                               uint64_t counter, int64_t *row, int64_t batch)
{
    int64_t count = 0;
    for (int64_t i = 0; i < query->count; i++)
        count += index_list(index, query->interval[i].low, query->interval[i].high, list + count);
    for (int64_t i = 0; i < batch; i++)
        row[i] = list[random_below(random_word(key, counter + (uint64_t)i), rows)];
    return (uint64_t)batch;
}

/* lambda' (or lambda) after a batch with `share` = |CSP|/n: one step of the controller. */
static double controlled(double scale, double share, double target, double largest)
{
    double error = (target - share) / target;
    error = error < -16.0 ? -16.0 : error;
    scale = scale * (1.0 + 0.03125 * error);
    scale = scale < 0x1p-20 ? 0x1p-20 : scale;
    return scale > largest ? largest : scale;
}

#endif
