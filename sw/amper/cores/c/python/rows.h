/* The rows of a replay buffer: copied in and out, linked, and followed over n steps; nothing of Python is called in here. */
#ifndef AMPER_ROWS_H
#define AMPER_ROWS_H

#include "column.h"
#include "kept.h"
#include "lock.h"

#define NONE (-1)
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
    PyObject *links;          /* kept for the pointers; NULL: there are none */
    int32_t *follower;        /* of each row; NONE: none */
    int32_t *preceding;       /* likewise; or NULL */
    int64_t *newest, envs;    /* number of the newest transition of each environment, or NONE */
    Lock lock;                /* held in every operation of the buffer, but not in long gathers */
    int closing;              /* somebody waits for the gathers under way: no new ones */
    Kept kept;
    int64_t added;            /* transitions, ever: number t is in row t % rows, until number t + rows is */
    int64_t dropped;          /* updates of transitions that were not there any more */
} Rows;

/* Fetch rows into the caches. */
void fetch_rows(const Rows *self, const int64_t *row, int64_t count);

/* Copy `row`, or `last`, of each column into the arrays of `to`, one a column. */
void gather_rows(const Rows *self, const int64_t *row, const int64_t *last, int64_t count, char **to);

/* Follow `last` over n steps, in place: the sums of rewards, and gamma^steps. */
void follow_rows(const Rows *self, int64_t count, int64_t *last, double *total, double *discount);

/* Store `count` transitions, at most `rows`, from `first` on of the values of each column, in the rows that come next;
 * what was there is kept for who reads it. */
void put_rows(Rows *self, const Value *value, int64_t first, int64_t count);

/* The next transition is the newest of this environment; before `added` says so. */
void link_row(Rows *self, int64_t number, int64_t env);

/* Replace rows by the numbers of the transitions in them. */
void number_rows(const Rows *self, int64_t *row, int64_t count);

/* The rows of transitions that are all still there; 0 if one is not. Most are of the ring's latest two turns, so that
 * there is nothing to divide. */
int rows_of_numbers(const Rows *self, const int64_t *number, int64_t count, int64_t *row);

#endif
