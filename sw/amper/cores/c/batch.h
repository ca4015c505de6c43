/* A batch of draws from a sampler, and its importance weights. */
#ifndef AMPER_BATCH_H
#define AMPER_BATCH_H

#include "sampler.h"

/* Room for `count` draws; -1 without memory. */
int batch_reserve(Sampler *s, int64_t count);

/* Draw a batch of rows, which `batch_weigh` then weighs. At least one row holds a priority, and `batch_reserve` was called
 * for as many. -1 without memory, else what `batch_weigh` takes as `empty`. */
int batch_draw(Sampler *s, int64_t count, int64_t *row);

/* The weights of the drawn rows; `empty`: drawn from all rows, as no row was in the candidate set. */
void batch_weigh(Sampler *s, int64_t count, double beta, int empty, float *weight);

#endif
