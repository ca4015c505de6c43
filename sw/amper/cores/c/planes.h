/* docs/reference/algorithm.md, section 7, bit for bit: the exact draw by bit planes; no Python in here.
 *
 * A block is 64 rows and keeps its codes as planes: word k has a bit for every row whose code has bit k set. Above, nodes
 * of 16 count each plane's rows before each of their entries, so a draw finds its block by 16 comparisons a level and its
 * row by one word, and a write touches the planes in which the code changed. Nothing costs O(n). */
#ifndef AMPER_PLANES_H
#define AMPER_PLANES_H

#include <stdint.h>

#include "places.h"

#define PLANES_LEVELS 6  /* of nodes: 64 x 16^6 rows */

typedef struct {
    Places places;
    int levels;
    uint64_t *plane;                /* of each block, `width` words */
    uint32_t *node[PLANES_LEVELS];  /* from the blocks up; of each node, `width` times 16 */
    int64_t nodes[PLANES_LEVELS];
    uint64_t count[CODE_WIDTH];   /* rows of each plane */
    void *memory[PLANES_LEVELS + 1];
} Planes;

/* All rows invalid; `places` says how many and how wide. -1 without memory, and what there is has to
 * be freed all the same. */
int planes_new(Planes *p);

void planes_free(Planes *p);

/* Store codes in rows, in this order; 0 makes a row invalid. */
void planes_write(Planes *p, const int64_t *row, const int64_t *code, int64_t count);

void planes_clear(Planes *p);

/* T, the sum of all codes. */
uint64_t planes_total(const Planes *p);

/* Draw a batch, of at most PLACES_BATCH where it is stratified; at least one row is valid. */
void planes_sample(Planes *p, int64_t batch, int64_t *row);

#endif
