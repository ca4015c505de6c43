/* amper.cores._core.Core: the compiled core. It takes exactly the arguments that amper.sampler gives it and answers with
 * a status; the Python around it says what is wrong. One lock for each core; long operations release the GIL. */
#ifndef AMPER_CORE_TYPE_H
#define AMPER_CORE_TYPE_H

#include "../sampler.h"
#include "rows.h"
#include "types.h"

typedef struct {
    PyObject_HEAD
    PyObject *weak; /* references */
    Lock lock;
    Sampler s;
} Core;

enum Status { DONE, NOT_PLAIN, ILLEGAL }; /* of an operation; NOT_PLAIN: not the arrays that it takes */

/* How many values there are, if it is a plain array of float64 or float32; else -1. */
int64_t plain_values(PyObject *values);

/* Store values, `wide` or else `narrow` ones, in rows; a Status, or -1 with an exception. */
int core_store(Core *self, const int64_t *row, const double *wide, const float *narrow, int64_t count, int flags);

/* Whether the arguments are an int above 0 and a float, as a batch takes them. */
int is_batch(PyObject *const *args, npy_intp *batch, double *beta);

/* Draw a short batch into rows and weights; the drawn rows of `fetched`, if not NULL, are on their way into the caches
 * then. 1, or 0 if nothing is held, or -1 without memory. */
int core_draw(Core *self, npy_intp batch, double beta, const Rows *fetched, int64_t *row, float *weight);

PyObject *core_sample(Core *self, PyObject *const *args, Py_ssize_t nargs);

#endif
