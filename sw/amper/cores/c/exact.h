/* docs/reference/algorithm.md, bit for bit, for codes of up to 16 bits; no Python in here.
 *
 * A batch's match sets are intervals of codes, so a table over all codes says which are in the candidate set. One pass
 * over the rows' codes counts the members before every block of 64 rows; a draw finds its block by bisection and its row
 * in it. The counts by code give Vmax and, for k, the neighbours. */
#ifndef AMPER_EXACT_H
#define AMPER_EXACT_H

#include <stdint.h>

#include "stream.h"

#define EXACT_WIDTH 16 /* most bits of a code */
#define EXACT_GROUPS 256

typedef struct {
    int64_t rows, used, held; /* used: those below which all valid ones lie */
    int width;
    uint16_t *code;        /* of each row, 0 if it is invalid; filled up to whole blocks */
    uint32_t *before;      /* members before each block */
    uint32_t *count;       /* rows of each code but 0 */
    uint32_t coarse[256];  /* rows of each 256 codes */
    uint8_t *member;       /* of each code: whether it is in the candidate set; all 0 between batches */
    int variant, groups, fraction_width, reciprocal_shift;
    uint64_t reciprocal, radius, neighbours;
    Stream query, draw;
} Exact;

/* All rows invalid; `rows` and `width` are set. -1 without memory, and what there is has to be freed all the same. */
int exact_new(Exact *e);

void exact_free(Exact *e);

/* Store codes in rows, in this order; 0 makes a row invalid. */
void exact_write(Exact *e, const int64_t *row, const int64_t *code, int64_t count);

void exact_clear(Exact *e);

/* Draw a batch; at least one row is valid. Returns |CSP|, 0 if all valid rows took its place. */
int64_t exact_sample(Exact *e, int64_t batch, int64_t *row);

#endif
