/* The largest priority: bounds that no row below exceeds, 64 rows an entry of level 0, 64 entries of level i one of level
 * i + 1.
 *
 * A write only raises bounds, mostly none. To ask costs one comparison while the row that was the largest still is; else
 * the way down to another is made exact, and each bound that is lowered for that was left too high by a write below it:
 * so for each row written at most one a level (3 levels are 64^3 rows), whenever it is asked for. */
#ifndef AMPER_MAX_TREE_H
#define AMPER_MAX_TREE_H

#include <stdint.h>

#include "compiler.h"

#define MAX_TREE_LEVELS 5 /* 2^28 rows */
#define MAX_TREE_LOG2 6
#define MAX_TREE_NODE (1 << MAX_TREE_LOG2)

typedef struct {
    int levels;                    /* 0: it is not kept */
    float *level[MAX_TREE_LEVELS]; /* the last has one entry */
    int64_t best;                  /* a row that had the largest priority */
    void *memory;
    int64_t bytes;
} MaxTree;

/* Of `rows` priorities, all 0; -1 without memory. */
int max_tree_new(MaxTree *tree, int64_t rows);

void max_tree_free(MaxTree *tree);

/* The largest of the priorities, which are padded with 0 to a multiple of MAX_TREE_NODE. */
float max_tree_largest(MaxTree *tree, const float *priority);

/* `row` has this priority now. */
INLINE void max_tree_wrote(MaxTree *tree, int64_t row, float priority)
{
    int64_t entry = row >> MAX_TREE_LOG2;
    for (int i = 0; i < tree->levels; i++, entry >>= MAX_TREE_LOG2) {
        if (priority < tree->level[i][entry])
            return;
        tree->level[i][entry] = priority;
    }
    tree->best = row;
}

#endif
