/* The chance that a row is in the candidate set, for the importance weights that fit it (docs/theory/software.md). The
 * same operations in the same order as weights.py. */
#ifndef AMPER_INCLUSION_H
#define AMPER_INCLUSION_H

#include "query.h"

/* For the nearest there is no closed form: the share of recent batches that covered the 32 codes around. */
#define COVER_BINS (CODES / 32)

typedef struct {
    double weight, total; /* of the batch to come; of all so far */
    double bin[COVER_BINS];
} Cover;

/* pi of a priority; `miss_of` has room for the groups. */
double inclusion(const Query *query, double priority, double *miss_of);

/* Add the intervals of a batch. */
void cover_add(Cover *cover, const Query *query);

#endif
