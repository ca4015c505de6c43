/* docs/reference/algorithm.md, section 8, bit for bit: draws in row order from a 16-ary tree of integer sums of codes; no
 * Python in here.
 *
 * As in sum_tree.h, an entry is the sum of those before it among its 16, so that a step down is 16 comparisons and an
 * update 16 additions, without a carry; but codes are added up as they are, so that sums are those of the hardware. */
#ifndef AMPER_CODE_TREE_H
#define AMPER_CODE_TREE_H

#include <stdint.h>

#include "places.h"

#define CODE_TREE_LEVELS 7 /* 16^7 rows */

typedef struct {
    Places places;
    int levels;
    uint64_t total;
    uint32_t *code;
    int64_t *level[CODE_TREE_LEVELS]; /* level 0 has an entry a row */
    int64_t size[CODE_TREE_LEVELS];   /* entries, a multiple of 16 */
    void *memory[CODE_TREE_LEVELS + 1];
} CodeTree;

/* All rows invalid; `places` says how many and how wide. -1 without memory, and what there is has to be freed all the
 * same. */
int code_tree_new(CodeTree *tree);

void code_tree_free(CodeTree *tree);

/* Store codes in rows, in this order; 0 makes a row invalid. */
void code_tree_write(CodeTree *tree, const int64_t *row, const int64_t *code, int64_t count);

void code_tree_clear(CodeTree *tree);

/* T, the sum of all codes. */
uint64_t code_tree_total(const CodeTree *tree);

/* Draw a batch, of at most PLACES_BATCH where it is stratified; at least one row is valid. */
void code_tree_sample(CodeTree *tree, int64_t batch, int64_t *row);

#endif
