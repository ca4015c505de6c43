/* Rows by priority code: how many have a code below x, and which.
 *
 * A code is the upper half of a float32's bits, rounded: 8 bits of exponent, 8 of fraction; ascending codes are ascending
 * priorities. 0 means that the row holds nothing. Counts are sums of the entries before among 16, in four levels. Those
 * of one octave (256 codes) are a page, made when the first row needs it. Each code has a list of its rows. */
#ifndef AMPER_CODE_INDEX_H
#define AMPER_CODE_INDEX_H

#include <stdlib.h>

#include "random.h"

#define CODES 65536
#define CODE_FIRST 256   /* of 2^-126 */
#define CODE_LAST 65024  /* of 2^127 */

typedef struct {
    uint32_t code[256];  /* rows of the codes before it among 16 */
    uint32_t code16[16]; /* rows of the 16 codes before it among 16 of them */
    uint32_t head[256];  /* first row of the code's list, plus 1; 0: none */
} Page;

typedef struct {
    uint32_t next, previous; /* row plus 1; 0: none */
} Link; /* that of row r is at r + 1: at 0 is one that may be written to for none, without a branch */

typedef struct {
    int64_t rows, pages;
    uint16_t *code; /* of each row */
    Link *link;
    Page *page;           /* page 0 stays empty */
    uint16_t page_of[256]; /* by octave */
    uint32_t octave[256], octave16[16];
    uint64_t occupied[CODES / 64], occupied64[CODES / 64 / 64]; /* codes that some row has; words of it that are not 0 */
} CodeIndex;

static int index_new(CodeIndex *index, int64_t rows)
{
    index->rows = rows;
    index->pages = 1;
    index->code = calloc((size_t)rows, sizeof(uint16_t));
    index->link = calloc((size_t)rows + 1, sizeof(Link));
    index->page = calloc(1, sizeof(Page));
    return index->code == NULL || index->link == NULL || index->page == NULL ? -1 : 0;
}

static void index_free(CodeIndex *index)
{
    free(index->code);
    free(index->link);
    free(index->page);
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
    const Page *page = index->page + index->page_of[code >> 8];
    return (int64_t)index->octave16[code >> 12] + index->octave[code >> 8] + page->code16[code >> 4 & 15]
           + page->code[code & 255];
}

INLINE int64_t index_between(const CodeIndex *index, int64_t low, int64_t high)
{
    return low > high ? 0 : index_below(index, high + 1) - index_below(index, low);
}

/* The largest code of a row; 0 if there is none. */
static int64_t index_largest(const CodeIndex *index)
{
    for (int64_t i = CODES / 64 / 64 - 1; i >= 0; i--) {
        if (index->occupied64[i] == 0)
            continue;
        int64_t word = 63;
        while (!(index->occupied64[i] >> word & 1))
            word--;
        word += i * 64;
        int64_t bit = 63;
        while (!(index->occupied[word] >> bit & 1))
            bit--;
        return word * 64 + bit;
    }
    return 0;
}

/* Make the page of a code, if it is not there; -1 without memory. */
static int index_reserve(CodeIndex *index, uint32_t code)
{
    if (index->page_of[code >> 8] != 0)
        return 0;
    Page *pages = realloc(index->page, (size_t)(index->pages + 1) * sizeof(Page));
    if (pages == NULL)
        return -1;
    memset(pages + index->pages, 0, sizeof(Page));
    index->page = pages;
    index->page_of[code >> 8] = (uint16_t)index->pages++;
    return 0;
}

INLINE void add_after(uint32_t *node, uint32_t at, uint32_t delta)
{
    for (uint32_t k = 0; k < 16; k++)
        node[k] += k > at ? delta : 0;
}

/* One row more with code `added` and one less with code `removed`; 0: none. */
FOR_EACH_CPU
static void index_count(CodeIndex *index, uint32_t added, uint32_t removed)
{
    uint32_t plus = added != 0, minus = (uint32_t)0 - (removed != 0);
    Page *page = index->page + index->page_of[added >> 8];
    add_after(page->code + (added & 0xF0), added & 15, plus);
    add_after(page->code16, added >> 4 & 15, plus);
    page = index->page + index->page_of[removed >> 8];
    add_after(page->code + (removed & 0xF0), removed & 15, minus);
    add_after(page->code16, removed >> 4 & 15, minus);
    add_after(index->octave + (added >> 12) * 16, added >> 8 & 15, plus);
    add_after(index->octave + (removed >> 12) * 16, removed >> 8 & 15, minus);
    if (added >> 12 == removed >> 12 && plus + minus == 0)
        return; /* as nearly always: the two would cancel */
    add_after(index->octave16, added >> 12, plus);
    add_after(index->octave16, removed >> 12, minus);
}

static void index_unlink(CodeIndex *index, int64_t row, uint32_t code)
{
    Link link = index->link[row + 1];
    uint32_t *head = &index->page[index->page_of[code >> 8]].head[code & 255];
    index->link[link.previous].next = link.next;
    index->link[link.next].previous = link.previous;
    *head = link.previous ? *head : link.next;
    if (*head == 0) {
        index->occupied[code >> 6] &= ~((uint64_t)1 << (code & 63));
        if (index->occupied[code >> 6] == 0)
            index->occupied64[code >> 12] &= ~((uint64_t)1 << (code >> 6 & 63));
    }
}

static void index_link(CodeIndex *index, int64_t row, uint32_t code)
{
    uint32_t *head = &index->page[index->page_of[code >> 8]].head[code & 255];
    index->link[row + 1] = (Link){.next = *head, .previous = 0};
    index->link[*head].previous = (uint32_t)row + 1;
    *head = (uint32_t)row + 1;
    index->occupied[code >> 6] |= (uint64_t)1 << (code & 63);
    index->occupied64[code >> 12] |= (uint64_t)1 << (code >> 6 & 63);
}

/* Fetch what giving the row this code will touch besides its own code and link, which are there already. */
INLINE void index_prefetch(const CodeIndex *index, int64_t row, uint32_t code)
{
    Link link = index->link[row + 1];
    PREFETCH(index->link + link.previous);
    PREFETCH(index->link + link.next);
    PREFETCH(index->link + index->page[index->page_of[code >> 8]].head[code & 255]);
}

/* Give a row another code, whose page is there; 0: none. */
INLINE void index_set(CodeIndex *index, int64_t row, uint32_t code)
{
    uint32_t old = index->code[row];
    if (old == code)
        return;
    if (old != 0)
        index_unlink(index, row, old);
    index->code[row] = (uint16_t)code;
    if (code != 0)
        index_link(index, row, code);
    index_count(index, code, old);
}

/* The next occupied code from `code` to `last`, or last + 1. */
static int64_t index_next(const CodeIndex *index, int64_t code, int64_t last)
{
    while (code <= last) {
        uint64_t word = index->occupied[code >> 6] >> (code & 63);
        if (word == 0) {
            code = (code | 63) + 1;
            continue;
        }
        while (!(word & 1)) {
            word >>= 1;
            code++;
        }
        break;
    }
    return code > last ? last + 1 : code;
}

/* Append the rows with codes low to high: ascending codes, each list in its order. Returns how many. */
static int64_t index_list(const CodeIndex *index, int64_t low, int64_t high, uint32_t *rows)
{
    int64_t count = 0;
    for (int64_t code = index_next(index, low, high); code <= high; code = index_next(index, code + 1, high))
        for (uint32_t row = index->page[index->page_of[code >> 8]].head[code & 255]; row; row = index->link[row].next)
            rows[count++] = row - 1;
    return count;
}

#endif
