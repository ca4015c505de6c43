/* Rows by priority code: how many have a code below x.
 *
 * A code is the upper half of a float32's bits, rounded: 8 bits of exponent, 8 of fraction; ascending codes are ascending
 * priorities. 0 means that the row holds nothing. Counts are sums of the entries before among 16, in four levels: a page
 * of the 256 octaves and, made when the first row needs it, one of the 256 codes of each octave. Which rows have a code
 * is not kept: of what an update touches, only the row's own code is not in the first caches. */
#ifndef AMPER_CODE_INDEX_H
#define AMPER_CODE_INDEX_H

#include "lines.h"
#include "sixteen.h"

#define CODES 65536
#define CODE_FIRST 256   /* of 2^-126 */
#define CODE_LAST 65024  /* of 2^127 */
#define BLOCK 256        /* rows with a bound; there are codes for whole blocks */
#define FETCH_CODES 16   /* rows of a write whose codes are fetched ahead */

typedef struct {
    uint32_t entry[256]; /* rows of those before it among 16 */
    uint32_t group[16];  /* of 16 entries: rows of the groups before it */
} Page;

typedef struct {
    int64_t rows, held, pages;
    uint16_t *code;    /* of each row */
    uint16_t *highest; /* of each block: no row of it has a larger code; raised by writes, lowered only by a scan */
    Page *octaves;
    Page *page; /* of codes; page 0 stays empty */
    uint16_t page_of[256]; /* by octave */
    void *code_memory, *octaves_memory, *page_memory;
} CodeIndex;

static int index_new(CodeIndex *index, int64_t rows)
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

static void index_free(CodeIndex *index)
{
    free(index->code_memory);
    free(index->highest);
    free(index->octaves_memory);
    free(index->page_memory);
}

/* Code of a float32 priority in [2^-126, 2^127], to the nearest. */
INLINE uint32_t code_of(float priority)
{
    uint32_t bits;
    memcpy(&bits, &priority, sizeof bits);
    return (bits + 0x4000) >> 15;
}

INLINE double code_value(int64_t code)
{
    return from_bits((uint64_t)(code + (896 << 8)) << 44);
}

/* The largest code with a value of at most x, and the smallest with one of at least x; cut off at the ends. */
INLINE int64_t code_floor(double x)
{
    int64_t code = (int64_t)(bits_of(x) >> 44) - (896 << 8);
    return x < 0x1p-126 ? CODE_FIRST - 1 : code > CODE_LAST ? CODE_LAST : code;
}

INLINE int64_t code_ceiling(double x)
{
    int64_t code = (int64_t)((bits_of(x) + 0xFFFFFFFFFFFu) >> 44) - (896 << 8);
    return x < 0x1p-126 ? CODE_FIRST : code > CODE_LAST + 1 ? CODE_LAST + 1 : code;
}

/* Rows with a code below `code`. */
INLINE int64_t index_below(const CodeIndex *index, int64_t code)
{
    const Page *octaves = index->octaves, *page = index->page + index->page_of[code >> 8];
    return (int64_t)octaves->group[code >> 12] + octaves->entry[code >> 8] + page->group[code >> 4 & 15]
           + page->entry[code & 255];
}

INLINE int64_t index_between(const CodeIndex *index, int64_t low, int64_t high)
{
    return low > high ? 0 : index_below(index, high + 1) - index_below(index, low);
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

/* The largest code of a row: the last row's by code. At least one holds a priority. */
FOR_EACH_CPU
static int64_t index_largest(const CodeIndex *index)
{
    uint32_t left = (uint32_t)index->held - 1;
    int64_t octave = page_child(index->octaves, &left);
    return octave * 256 + page_child(index->page + index->page_of[octave], &left);
}

/* Make the page of a code, if it is not there; -1 without memory. */
static int index_reserve(CodeIndex *index, uint32_t code)
{
    if (index->page_of[code >> 8] != 0)
        return 0;
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

/* Give the rows their codes, one after the other. */
FOR_EACH_CPU
static void index_write(CodeIndex *index, const int64_t *row, const uint32_t *code, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i + FETCH_CODES < count)
            PREFETCH(index->code + row[i + FETCH_CODES]);
        index_set(index, row[i], code[i]);
    }
}

#endif
