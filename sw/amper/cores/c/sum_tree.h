/* Exact proportional draws: a 16-ary tree of integer sums over float32 priorities.
 *
 * A row counts floor(priority * 2^shift), but at least 1; a row without a priority (0) counts 0. The shift follows the
 * total, so that it stays between 2^44 and 2^52: a probability is off by at most 2^-44, whatever the priorities are.
 * Level 0 sums LEAF rows an entry, level i + 1 16 entries of level i; what is stored is the sum of the entries before it
 * among its 16, so that a step down the tree is 16 comparisons and an update 16 additions, without a carry. */
#ifndef AMPER_SUM_TREE_H
#define AMPER_SUM_TREE_H

#include <stdint.h>

#include "max_tree.h"

#define MAX_LEVELS 8

typedef struct {
    int uniform; /* every row counts 1 */
    int levels;
    int64_t rows, held; /* held: rows with a priority */
    int64_t size[MAX_LEVELS]; /* entries, a multiple of 16 */
    int64_t top;              /* entries of the last level that can have rows */
    int64_t *level[MAX_LEVELS];
    float *priority; /* padded with 0 to a multiple of MAX_TREE_NODE */
    void *memory;    /* of all of them */
    int64_t bytes;
    int64_t total;
    int64_t shift;
    double factor; /* 2^shift */
    MaxTree largest;
} SumTree;

void tree_free(SumTree *tree);

/* No row holds a priority. `keeps_largest`: the tree knows the largest one. -1 without memory, and what there is has to
 * be freed all the same. */
int tree_new(SumTree *tree, int64_t rows, int uniform, int keeps_largest);

/* The shift of a saved tree with the same priorities; chosen anew if it is not one that a tree could have had. */
void tree_restore_shift(SumTree *tree, int64_t shift, int64_t used);

/* Store priorities above 0, of which `largest` is the largest, in rows, in this order. `used`: the rows below which all
 * lie that then hold one. */
void tree_write(SumTree *tree, const int64_t *row, const float *priority, int64_t count, float largest, int64_t used);

/* Make the rows hold no priority. */
void tree_remove(SumTree *tree, const int64_t *row, int64_t count, int64_t used);

/* Replace ranks, 0 to total - 1, by the rows that hold them. Level by level for all draws: their loads overlap. */
void tree_find(const SumTree *tree, int64_t *rank, int64_t *row, int64_t count);

#endif
