#include "max_tree.h"

#include <stdlib.h>

#include "memory.h"

/* Of `rows` numbers, in whole nodes. */
INLINE int64_t padded(int64_t rows)
{
    return (rows + MAX_TREE_NODE - 1) / MAX_TREE_NODE * MAX_TREE_NODE;
}

int max_tree_new(MaxTree *tree, int64_t rows)
{
    int64_t entries = rows;
    do {
        entries = (entries + MAX_TREE_NODE - 1) / MAX_TREE_NODE;
        tree->bytes += padded(entries) * (int64_t)sizeof(float);
    } while (entries > 1);
    float *next = lines_new(tree->bytes, &tree->memory);
    if (next == NULL)
        return -1;
    entries = rows;
    do {
        entries = (entries + MAX_TREE_NODE - 1) / MAX_TREE_NODE;
        tree->level[tree->levels++] = next;
        next += padded(entries);
    } while (entries > 1);
    return 0;
}

INLINE int64_t place_of_largest(const float *value)
{
    int64_t place = 0;
    for (int64_t k = 1; k < MAX_TREE_NODE; k++)
        place = value[k] > value[place] ? k : place;
    return place;
}

/* Make the bound of an entry exact; `row` becomes one that has it. */
static float exact_bound(MaxTree *tree, const float *priority, int level, int64_t entry, int64_t *row)
{
    const float *below = (level == 0 ? priority : tree->level[level - 1]) + entry * MAX_TREE_NODE;
    for (;;) {
        int64_t place = place_of_largest(below);
        float bound = below[place];
        *row = entry * MAX_TREE_NODE + place;
        if (level == 0 || exact_bound(tree, priority, level - 1, *row, row) == bound)
            return tree->level[level][entry] = bound;
    }
}

float max_tree_largest(MaxTree *tree, const float *priority)
{
    int top = tree->levels - 1;
    if (priority[tree->best] == tree->level[top][0])
        return tree->level[top][0];
    return exact_bound(tree, priority, top, 0, &tree->best);
}

void max_tree_free(MaxTree *tree)
{
    free(tree->memory);
}
