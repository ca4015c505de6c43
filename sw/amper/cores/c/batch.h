/* A batch of draws from a sampler, and what its importance weights are made of (power.h's normalised_weights). */
#ifndef AMPER_BATCH_H
#define AMPER_BATCH_H

#include "sampler.h"

/* Room for `count` draws; -1 without memory. */
int batch_reserve(Sampler *s, int64_t count);

/* Draw rows. At least one holds a priority, and `batch_reserve` was called for as many. -1 without memory, else what
 * `batch_values` takes as `empty`. */
int batch_draw(Sampler *s, int64_t count, int64_t *row);

/* The values that the weights of the rows just drawn go by, into `value` or, if NULL, scratch; where they are. `empty`:
 * drawn from all rows, as no row was in the candidate set. */
const double *batch_values(Sampler *s, int64_t count, int empty, double *value);

#endif
