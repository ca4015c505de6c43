/* The candidate set of a batch as disjoint intervals of codes (docs/theory/software.md). */
#ifndef AMPER_QUERY_H
#define AMPER_QUERY_H

#include "code_index.h"
#include "variant.h"

typedef struct {
    int64_t low, high; /* codes, both included */
} Interval;

typedef struct {
    int variant;
    int64_t groups;
    double scale;  /* lambda' or, for the nearest, lambda */
    double vmax;
    int64_t count; /* intervals */
    Interval *interval;
    uint64_t member[CODES / 64]; /* the intervals as a bit set */
} Query;

/* Search all groups with the words from `counter` on, two a group; the intervals are disjoint and ascending. */
void query_search(Query *query, const CodeIndex *index, uint64_t key, uint64_t counter);

/* Set (all ones) or clear (0) the bits of the intervals. */
void query_mark(Query *query, uint64_t ones);

/* |CSP|. */
int64_t query_rows(const Query *query, const CodeIndex *index);

#endif
