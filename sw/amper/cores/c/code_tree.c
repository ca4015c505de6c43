#include "code_tree.h"

#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "memory.h"
#include "sixteen.h"

#define TOGETHER 64 /* draws whose loads overlap */
#define PREFETCH_DISTANCE 8

int code_tree_new(CodeTree *tree)
{
    int64_t entries = tree->places.rows;
    tree->code = lines_new(entries * (int64_t)sizeof *tree->code, &tree->memory[CODE_TREE_LEVELS]);
    if (tree->code == NULL)
        return -1;
    do {
        int level = tree->levels++;
        int64_t size = tree->size[level] = (entries + 15) & ~(int64_t)15;
        tree->level[level] = lines_new(size * (int64_t)sizeof **tree->level, &tree->memory[level]);
        if (tree->level[level] == NULL)
            return -1;
        entries = size >> 4;
    } while (entries > 1);
    return 0;
}

void code_tree_free(CodeTree *tree)
{
    for (int i = 0; i <= CODE_TREE_LEVELS; i++)
        free(tree->memory[i]);
}

FOR_EACH_CPU
void code_tree_write(CodeTree *tree, const int64_t *row, const int64_t *code, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i + PREFETCH_DISTANCE < count)
            PREFETCH(tree->level[0] + (row[i + PREFETCH_DISTANCE] & ~(int64_t)15));
        uint32_t old = tree->code[row[i]];
        int64_t delta = code[i] - (int64_t)old, entry = row[i];
        tree->code[row[i]] = (uint32_t)code[i];
        tree->places.held += (code[i] != 0) - (old != 0);
        tree->total += (uint64_t)delta;
        for (int level = 0; level < tree->levels; level++, entry >>= 4)
            add_after_i64(tree->level[level] + (entry & ~(int64_t)15), entry & 15, delta);
    }
}

void code_tree_clear(CodeTree *tree)
{
    memset(tree->code, 0, (size_t)tree->places.rows * sizeof *tree->code);
    for (int level = 0; level < tree->levels; level++)
        memset(tree->level[level], 0, (size_t)tree->size[level] * sizeof **tree->level);
    tree->total = 0;
    tree->places.held = 0;
}

uint64_t code_tree_total(const CodeTree *tree)
{
    return tree->total;
}

/* The last of 16 ascending sums that is at most `left`; the first is 0. */
INLINE int64_t entry_of(const int64_t *before, int64_t left)
{
    int64_t at = 0;
    for (int i = 1; i < 16; i++)
        at += before[i] <= left;
    return at;
}

/* Rows of places: all draws go down level by level, so that their loads overlap. */
FOR_EACH_CPU
static void code_tree_find(const CodeTree *tree, const uint64_t *place, int64_t *row, int64_t count)
{
    int64_t left[TOGETHER];
    for (int64_t i = 0; i < count; i++) {
        left[i] = (int64_t)place[i];
        row[i] = 0;
    }
    for (int level = tree->levels - 1; level >= 0; level--)
        for (int64_t i = 0; i < count; i++) {
            const int64_t *before = tree->level[level] + row[i] * 16;
            int64_t entry = entry_of(before, left[i]);
            left[i] -= before[entry];
            row[i] = row[i] * 16 + entry;
            if (level > 0)
                PREFETCH(tree->level[level - 1] + row[i] * 16);
        }
}

void code_tree_sample(CodeTree *tree, int64_t batch, int64_t *row)
{
    uint64_t place[PLACES_BATCH];
    for (int64_t done = 0; done < batch; done += PLACES_BATCH) {
        int64_t lot = batch - done < PLACES_BATCH ? batch - done : PLACES_BATCH;
        places_draw(&tree->places, tree->total, place, lot);
        for (int64_t i = 0; i < lot; i += TOGETHER)
            code_tree_find(tree, place + i, row + done + i, lot - i < TOGETHER ? lot - i : TOGETHER);
    }
}
