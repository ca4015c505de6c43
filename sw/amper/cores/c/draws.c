#include "draws.h"

#include "codes_within.h"
#include "random.h"

#define AHEAD 3 /* times TRIES: rows whose codes are fetched before they are looked at */
#define TRY 16.0
#define FOUND 64.0
#define BETWEEN 4096

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

FOR_EACH_CPU
uint64_t draw_by_rejection(const uint16_t *code, const uint64_t *member, uint64_t used, uint64_t key,
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

/* The intervals that hold rows; those with at most BETWEEN rows between them as one, as a scan compares each row with
 * each of them. Returns how many. */
static int64_t scan_spans(const CodeIndex *index, const Query *query, Interval *span)
{
    int64_t count = 0;
    for (int64_t i = 0; i < query->count; i++) {
        Interval interval = query->interval[i];
        if (index_between(index, interval.low, interval.high) == 0)
            continue;
        if (count > 0 && index_between(index, span[count - 1].high + 1, interval.low - 1) <= BETWEEN)
            span[count - 1].high = interval.high;
        else
            span[count++] = interval;
    }
    return count;
}

int64_t scan_is_cheaper(const CodeIndex *index, const Query *query, int64_t batch, int64_t used, int64_t rows,
                        Interval *span)
{
    double tries = TRY * (double)batch * (double)used, found = FOUND * (double)rows;
    if (tries <= (double)rows * found)
        return 0; /* as nearly always */
    int64_t spans = scan_spans(index, query, span);
    int64_t through = BLOCK * index_between(index, span[0].low, CODE_LAST);
    through = through < used ? through : used;
    return tries > (double)rows * ((double)through + found) ? spans : 0;
}

/* One bit for each of 64 codes: whether it is in one of the spans. */
INLINE uint64_t in_spans(const uint16_t *code, const Interval *span, int64_t spans)
{
    uint64_t within = 0;
    for (int64_t i = 0; i < spans; i++)
        for (int k = 0; k < 64; k += 16)
            within |= codes_within(code + k, (uint16_t)span[i].low, (uint16_t)(span[i].high - span[i].low)) << k;
    return within;
}

FOR_EACH_CPU
void scan_rows(CodeIndex *index, const uint64_t *member, const Interval *span, int64_t spans, int64_t rows,
               uint32_t *list)
{
    int64_t count = 0;
    for (int64_t block = 0; count < rows; block++) {
        if (index->highest[block] < span[0].low)
            continue;
        uint16_t highest = 0;
        for (int k = 0; k < BLOCK; k++)
            highest = index->code[block * BLOCK + k] > highest ? index->code[block * BLOCK + k] : highest;
        index->highest[block] = highest;
        for (int64_t first = block * BLOCK; first < (block + 1) * BLOCK; first += 64)
            for (uint64_t left = in_spans(index->code + first, span, spans); left; left &= left - 1) {
                uint32_t row = (uint32_t)(first + lowest_bit(left)), c = index->code[row];
                list[count] = row;
                count += (int64_t)(member[c >> 6] >> (c & 63) & 1);
            }
    }
}

void draw_from_list(const uint32_t *list, int64_t rows, uint64_t key, uint64_t counter, int64_t *row, int64_t batch)
{
    for (int64_t i = 0; i < batch; i++)
        row[i] = list[random_below(random_word(key, counter + (uint64_t)i), (uint64_t)rows)];
}

