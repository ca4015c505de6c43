/* The rows of a replay buffer: copied out, and followed over n steps; nothing of Python is called in here. */
#ifndef AMPER_ROWS_H
#define AMPER_ROWS_H

#include "column.h"

#define FETCHED_LINES 8 /* of a row; a longer one is sequential enough for the CPU to fetch by itself */
#define FETCHED 32      /* rows fetched ahead: 32 of 64 bytes are well inside the first cache */

typedef struct {
    PyObject_HEAD
    PyObject *weak;          /* references */
    PyObject *names, *views; /* kept for the columns' pointers */
    PyObject *none_by_name;  /* a dictionary of a batch's names, in their order, to be copied */
    int64_t rows;
    ptrdiff_t stride; /* bytes from a row to the next, the same for all columns */
    char *first;      /* the column that begins a row */
    Py_ssize_t count;
    Column *column;
    int64_t steps; /* of n-step transitions, 0: none */
    double gamma;
    const Column *reward, *terminated, *truncated;
    PyThread_type_lock lock; /* held in every operation of the buffer */
    int64_t added;           /* transitions, ever: number t is in row t % rows, until number t + rows is */
    int64_t dropped;         /* updates of transitions that were not there any more */
} Rows;

/* Fetch rows into the caches. */
void fetch_rows(const Rows *self, const int64_t *row, int64_t count);

/* Copy `row`, or `last`, of each column into the arrays of `to`, one a column. */
void gather_rows(const Rows *self, const int64_t *row, const int64_t *last, int64_t count, char **to);

/* Follow `last` over n steps, in place: the sums of rewards, and gamma^steps. */
void follow_rows(const Rows *self, const int32_t *follower, int64_t count, int64_t *last, double *total,
                 double *discount);

#endif
