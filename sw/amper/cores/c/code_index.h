/* Rows by priority code: how many have a code below x.
 *
 * A code is the upper half of a float32's bits, rounded: 8 bits of exponent, 8 of fraction; ascending codes are ascending
 * priorities. 0 means that the row holds nothing. Counts are sums of the entries before among 16, in four levels: a page
 * of the 256 octaves and, made when the first row needs it, one of the 256 codes of each octave. Which rows have a code
 * is not kept: of what an update touches, only the row's own code is not in the first caches. */
#ifndef AMPER_CODE_INDEX_H
#define AMPER_CODE_INDEX_H

#include <stdint.h>

#include "bits.h"

#define CODES 65536
#define CODE_FIRST 256  /* of 2^-126 */
#define CODE_LAST 65024 /* of 2^127 */
#define BLOCK 256       /* rows with a bound; there are codes for whole blocks */

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

/* No row holds anything; -1 without memory, and what there is has to be freed all the same. */
int index_new(CodeIndex *index, int64_t rows);

void index_free(CodeIndex *index);

/* The code of the row with so many before it by code, 0 to held - 1. */
int64_t index_ranked(const CodeIndex *index, int64_t rank);

/* The largest code of a row. At least one holds a priority. */
INLINE int64_t index_largest(const CodeIndex *index)
{
    return index_ranked(index, index->held - 1);
}

/* Make the page of a code; -1 without memory. */
int index_add_page(CodeIndex *index, uint32_t code);

/* The same, if it is not there. */
INLINE int index_reserve(CodeIndex *index, uint32_t code)
{
    return index->page_of[code >> 8] ? 0 : index_add_page(index, code);
}

/* Give the rows their codes, whose pages are there, one after the other. */
void index_write(CodeIndex *index, const int64_t *row, const uint32_t *code, int64_t count);

/* Make the rows hold nothing. */
void index_remove(CodeIndex *index, const int64_t *row, int64_t count);

#endif
