#include "code_index.h"

#include <stdlib.h>

#include "memory.h"
#include "sixteen.h"

#define FETCH_CODES 16 /* rows of a write whose codes are fetched ahead */

int index_new(CodeIndex *index, int64_t rows)
{
    index->rows = rows;
    index->pages = 1;
    int64_t blocks = (rows + BLOCK - 1) / BLOCK;
    index->code = lines_new(blocks * BLOCK * (int64_t)sizeof(uint16_t), &index->code_memory);
    index->highest = calloc((size_t)blocks, sizeof(uint16_t));
    index->octaves = lines_new(sizeof(Page), &index->octaves_memory);
    index->page = lines_new(sizeof(Page), &index->page_memory);
    return index->code && index->highest && index->octaves && index->page ? 0 : -1;
}

void index_free(CodeIndex *index)
{
    free(index->code_memory);
    free(index->highest);
    free(index->octaves_memory);
    free(index->page_memory);
}

/* The last of 16 ascending sums that is at most `left`, which becomes what is left beyond it; the first is 0. */
INLINE int64_t sums_child(const uint32_t *node, uint32_t *left)
{
    int64_t child = -1;
    for (int k = 0; k < 16; k++)
        child += node[k] <= *left;
    *left -= node[child];
    return child;
}

INLINE int64_t page_child(const Page *page, uint32_t *left)
{
    int64_t group = sums_child(page->group, left);
    return group * 16 + sums_child(page->entry + group * 16, left);
}

FOR_EACH_CPU
int64_t index_ranked(const CodeIndex *index, int64_t rank)
{
    uint32_t left = (uint32_t)rank;
    int64_t octave = page_child(index->octaves, &left);
    return octave * 256 + page_child(index->page + index->page_of[octave], &left);
}

int index_add_page(CodeIndex *index, uint32_t code)
{
    void *memory;
    Page *pages = lines_new((index->pages + 1) * (int64_t)sizeof(Page), &memory);
    if (pages == NULL)
        return -1;
    memcpy(pages, index->page, (size_t)index->pages * sizeof(Page));
    free(index->page_memory);
    index->page = pages;
    index->page_memory = memory;
    index->page_of[code >> 8] = (uint16_t)index->pages++;
    return 0;
}

INLINE void page_count(Page *page, uint32_t at, uint32_t more)
{
    add_after_u32(page->entry + (at & 0xF0), at & 15, more);
    add_after_u32(page->group, at >> 4, more);
}

/* Give a row another code, whose page is there; 0: none. */
INLINE void index_set(CodeIndex *index, int64_t row, uint32_t code)
{
    uint32_t old = index->code[row];
    if (old == code)
        return;
    index->code[row] = (uint16_t)code;
    uint16_t *highest = index->highest + row / BLOCK;
    *highest = *highest < code ? (uint16_t)code : *highest;
    if (code != 0) {
        index->held++;
        page_count(index->page + index->page_of[code >> 8], code & 255, 1);
        page_count(index->octaves, code >> 8, 1);
    }
    if (old != 0) {
        index->held--;
        page_count(index->page + index->page_of[old >> 8], old & 255, (uint32_t)-1);
        page_count(index->octaves, old >> 8, (uint32_t)-1);
    }
}

FOR_EACH_CPU
void index_write(CodeIndex *index, const int64_t *row, const uint32_t *code, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i + FETCH_CODES < count)
            PREFETCH(index->code + row[i + FETCH_CODES]);
        index_set(index, row[i], code[i]);
    }
}

FOR_EACH_CPU
void index_remove(CodeIndex *index, const int64_t *row, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        index_set(index, row[i], 0);
}
