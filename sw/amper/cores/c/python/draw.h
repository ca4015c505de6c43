/* A batch drawn from a core, alone or with the rows of a buffer: a long one in pieces, between which others come. */
#ifndef AMPER_DRAW_H
#define AMPER_DRAW_H

#include "core_type.h"

#define PIECE 2048 /* draws of rows that a caller may have to wait for */

/* A piece of a batch, from draw `first` on: the writes before it, and the row that was to be written next. */
typedef struct {
    int64_t first, since, next;
} Moment;

typedef struct {
    int64_t batch;
    int64_t *number, *row, *last; /* of transitions; rows; rows that n-step transitions end in */
    double *value, *total, *discount;
    Moment *moment;
    int64_t moments;
    Reader reader;
    int reads; /* without the lock, as `reader` */
    void *memory;
} Draw;

/* Room for a batch; `steps`: of n-step transitions. -1 without memory. */
int draw_new(Draw *draw, int64_t batch, int steps);

void draw_free(Draw *draw);

/* Draw the batch of a sampler alone. Without the GIL. 1, or 0 if nothing is held, or -1 without memory. */
int draw_from_core(Draw *draw, Core *core);

/* Draw transitions, and gather their rows into `to`. With or `freely` without the GIL. As `draw_from_core`. */
int draw_from_rows(Draw *draw, Core *core, Rows *rows, char **to, int freely);

#endif
