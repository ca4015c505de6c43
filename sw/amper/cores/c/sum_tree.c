#include "sum_tree.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "memory.h"
#include "sixteen.h"

#define LEAF_LOG2 2
#define LEAF (1 << LEAF_LOG2) /* rows that an entry of level 0 sums */
#define TOTAL_BITS 49         /* of the total after a rebuild */
#define TOTAL_LEAST ((int64_t)1 << 44)
#define TOTAL_LIMIT 0x1p52   /* so that tree_find can convert by addition */
#define PREFETCH_DISTANCE 16 /* rows of a write */

void tree_free(SumTree *tree)
{
    free(tree->memory);
    max_tree_free(&tree->largest);
}

int tree_new(SumTree *tree, int64_t rows, int uniform, int keeps_largest)
{
    tree->uniform = uniform;
    tree->rows = rows;
    tree->factor = 1.0;
    int64_t entries = (rows + LEAF - 1) / LEAF, padded = (rows + MAX_TREE_NODE - 1) / MAX_TREE_NODE * MAX_TREE_NODE;
    tree->bytes = padded * (int64_t)sizeof(float);
    for (;; entries = (entries + 15) / 16) {
        int64_t size = tree->size[tree->levels++] = (entries + 15) / 16 * 16;
        tree->bytes += size * (int64_t)sizeof(int64_t);
        if (entries <= 16)
            break;
    }
    tree->top = entries;
    char *next = lines_new(tree->bytes, &tree->memory);
    if (next == NULL)
        return -1;
    tree->priority = (float *)next;
    next += padded * (int64_t)sizeof(float);
    for (int i = 0; i < tree->levels; i++) {
        tree->level[i] = (int64_t *)next;
        next += tree->size[i] * (int64_t)sizeof(int64_t);
    }
    return keeps_largest ? max_tree_new(&tree->largest, rows) : 0;
}

INLINE int64_t tree_leaf(const SumTree *tree, float priority, double factor)
{
    int64_t units = tree->uniform ? 0 : (int64_t)((double)priority * factor);
    return units + (units == 0 && priority > 0.0f);
}

INLINE void tree_add(SumTree *tree, int64_t row, int64_t delta)
{
    tree->total += delta;
    int64_t entry = row >> LEAF_LOG2;
    for (int i = 0; i < tree->levels; i++, entry >>= 4)
        add_after_i64(tree->level[i] + (entry & ~(int64_t)15), entry & 15, delta);
}

/* All sums again, from the priorities of the first `used` rows. */
static void tree_sum(SumTree *tree, int64_t used)
{
    int64_t entries = tree->size[0];
    memset(tree->level[0], 0, (size_t)entries * sizeof(int64_t));
    for (int64_t row = 0; row < used; row++)
        tree->level[0][row >> LEAF_LOG2] += tree_leaf(tree, tree->priority[row], tree->factor);
    for (int i = 0; i < tree->levels; i++) {
        int64_t *sums = tree->level[i], total = 0;
        int last = i + 1 == tree->levels;
        if (!last)
            memset(tree->level[i + 1], 0, (size_t)tree->size[i + 1] * sizeof(int64_t));
        for (int64_t group = 0; group * 16 < tree->size[i]; group++) {
            total = 0;
            for (int64_t k = 0; k < 16; k++) {
                int64_t sum = sums[group * 16 + k];
                sums[group * 16 + k] = total;
                total += sum;
            }
            if (!last)
                tree->level[i + 1][group] = total;
        }
        if (last)
            tree->total = total;
    }
}

static void tree_set_shift(SumTree *tree, int64_t shift)
{
    tree->shift = shift;
    tree->factor = from_bits((uint64_t)(shift + 1023) << 52);
}

/* Choose the shift for the priorities of the first `used` rows, and sum again. */
static void tree_rebuild(SumTree *tree, int64_t used)
{
    float largest = 0.0f;
    for (int64_t row = 0; row < used; row++)
        largest = tree->priority[row] > largest ? tree->priority[row] : largest;
    if (largest > 0.0f && !tree->uniform) {
        /* First so that no sum can exceed 2^62, then by the sum that this gives. */
        int64_t exponent = (int64_t)(bits_of((double)largest) >> 52) - 1022, rows_log2 = 0;
        while ((int64_t)1 << rows_log2 < used)
            rows_log2++;
        tree_set_shift(tree, 62 - rows_log2 - exponent);
        int64_t total = 0, bits = 0;
        for (int64_t row = 0; row < used; row++)
            total += (int64_t)((double)tree->priority[row] * tree->factor);
        while (total >> bits)
            bits++;
        tree_set_shift(tree, tree->shift + TOTAL_BITS - bits);
    }
    tree_sum(tree, used);
}

void tree_restore_shift(SumTree *tree, int64_t shift, int64_t used)
{
    double total = 0.0;
    tree_set_shift(tree, shift);
    for (int64_t row = 0; row < used; row++)
        total += (double)tree->priority[row] * tree->factor;
    if (total < TOTAL_LIMIT)
        tree_sum(tree, used);
    else
        tree_rebuild(tree, used);
}

/* Whether `count` more priorities up to `largest` could push the total over its limit: then only store, and rebuild. */
INLINE int tree_would_overflow(const SumTree *tree, int64_t count, double largest)
{
    return !tree->uniform && (double)count * (largest * tree->factor) + (double)tree->total >= TOTAL_LIMIT;
}

INLINE void tree_set(SumTree *tree, int64_t row, float priority)
{
    int64_t delta = tree_leaf(tree, priority, tree->factor) - tree_leaf(tree, tree->priority[row], tree->factor);
    tree->priority[row] = priority;
    if (delta != 0)
        tree_add(tree, row, delta);
}

/* After the total shrank: the shift follows it. */
INLINE void tree_follow(SumTree *tree, int64_t used)
{
    if (!tree->uniform && tree->held > 0 && tree->total < TOTAL_LEAST)
        tree_rebuild(tree, used);
}

/* Fetch what a write of the row will touch. */
INLINE void prefetch_row(const SumTree *tree, int64_t row)
{
    PREFETCH(tree->priority + row);
    const int64_t *node = tree->level[0] + (row >> (LEAF_LOG2 + 4) << 4);
    PREFETCH(node);
    PREFETCH(node + 8);
}

FOR_EACH_CPU
void tree_write(SumTree *tree, const int64_t *row, const float *priority, int64_t count, float largest, int64_t used)
{
    int rebuild = tree_would_overflow(tree, count, (double)largest);
    const float *bound = tree->largest.levels > 0 ? tree->largest.level[0] : NULL;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = row[i];
        if (i + PREFETCH_DISTANCE < count)
            prefetch_row(tree, row[i + PREFETCH_DISTANCE]);
        tree->held += !(tree->priority[at] > 0.0f);
        if (rebuild)
            tree->priority[at] = priority[i];
        else
            tree_set(tree, at, priority[i]);
        if (bound && !(priority[i] < bound[at >> MAX_TREE_LOG2])) /* seldom, so that a write is one comparison more */
            max_tree_wrote(&tree->largest, at, priority[i]);
    }
    if (rebuild)
        tree_rebuild(tree, used);
    else
        tree_follow(tree, used);
}

FOR_EACH_CPU
void tree_remove(SumTree *tree, const int64_t *row, int64_t count, int64_t used)
{
    for (int64_t i = 0; i < count; i++) {
        tree->held -= tree->priority[row[i]] > 0.0f;
        tree_set(tree, row[i], 0.0f);
    }
    tree_follow(tree, used);
}

/* The last of 16 ascending sums that is at most `left`; the first is 0. A quarter, then in it: six comparisons. */
INLINE int64_t tree_child(const int64_t *node, int64_t left)
{
    int64_t quarter = 4 * ((node[4] <= left) + (node[8] <= left) + (node[12] <= left));
    node += quarter;
    return quarter + (node[1] <= left) + (node[2] <= left) + (node[3] <= left);
}

/* tree_leaf of LEAF rows. Below 2^52, 2^52 + x has the integer part of x, rounded, in its low bits: CPUs do that to several
 * at once, and to convert a double to an integer only one by one. */
INLINE void tree_leaves(const float *priority, double factor, int64_t *leaf)
{
    for (int k = 0; k < LEAF; k++) {
        double x = (double)priority[k] * factor;
        double rounded = (x + 0x1p52) - 0x1p52;
        double units = rounded > x ? rounded - 1.0 : rounded;
        double least = priority[k] > 0.0f ? 1.0 : 0.0;
        units = units > least ? units : least;
        leaf[k] = (int64_t)(bits_of(units + 0x1p52) - bits_of(0x1p52));
    }
}

/* From entries of a level to their children, which are fetched (their part of `next` has `bytes`), and what is left of
 * the ranks. `few`: only the first four children can have rows. */
INLINE void tree_descend(const int64_t *sums, int64_t *rank, int64_t *entry, int64_t count, int few, const char *next,
                         size_t bytes)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t *node = sums + entry[i] * 16;
        int64_t left = rank[i];
        int64_t child = few ? (node[1] <= left) + (node[2] <= left) + (node[3] <= left) : tree_child(node, left);
        rank[i] = left - node[child];
        entry[i] = entry[i] * 16 + child;
        for (size_t line = 0; line < bytes; line += CACHE_LINE)
            PREFETCH(next + (size_t)entry[i] * bytes + line);
    }
}

/* From entries of level 0 to rows. */
INLINE void tree_to_rows(const SumTree *tree, const int64_t *rank, int64_t *row, int64_t count)
{
    double factor = tree->uniform ? 0.0 : tree->factor;
    for (int64_t i = 0; i < count; i++) {
        int64_t leaf[LEAF], left = rank[i], sum = 0, child = 0;
        tree_leaves(tree->priority + row[i] * LEAF, factor, leaf);
        for (int k = 0; k < LEAF; k++) {
            sum += leaf[k];
            child += sum <= left;
        }
        row[i] = row[i] * LEAF + child;
    }
}

FOR_EACH_CPU
void tree_find(const SumTree *tree, int64_t *rank, int64_t *row, int64_t count)
{
    const size_t node = 16 * sizeof(int64_t), leaf = LEAF * sizeof(float);
    int level = tree->levels - 1;
    for (int64_t i = 0; i < count; i++)
        row[i] = 0;
    if (level > 0 && tree->top <= 4)
        tree_descend(tree->level[level], rank, row, count, 1, (const char *)tree->level[level - 1], node), level--;
    for (; level > 0; level--)
        tree_descend(tree->level[level], rank, row, count, 0, (const char *)tree->level[level - 1], node);
    tree_descend(tree->level[0], rank, row, count, 0, (const char *)tree->priority, leaf);
    tree_to_rows(tree, rank, row, count);
}
