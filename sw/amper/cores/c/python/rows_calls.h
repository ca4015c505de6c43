/* The methods of amper.cores._core.Rows, by what they do. */
#ifndef AMPER_ROWS_CALLS_H
#define AMPER_ROWS_CALLS_H

#include "core_type.h"

#define COLUMNS_ON_STACK 16
#define ROWS_ON_STACK 512
#define LONG_COPY 65536 /* bytes from which releasing the GIL costs less than it gives */

/* Whether it is a Core of as many rows. */
INLINE int is_core(const Rows *self, PyObject *object)
{
    return Py_IS_TYPE(object, &core_type) && ((Core *)object)->s.rows == self->rows;
}

/* Storing: rows_store.c. `store_one` stores a transition of the values; its number, or None, and nothing is done, unless
 * it is given a Core of as many rows, a legal float or None, and an environment or None. */
PyObject *store_one(Rows *self, PyObject *of_sampler, const Value *value, PyObject *priority, PyObject *env);
PyObject *rows_add(Rows *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *rows_extend(Rows *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *rows_write(Rows *self, PyObject *const *args, Py_ssize_t nargs);

/* Reading: rows_batch.c. */
PyObject *rows_sample(Rows *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *rows_gather(Rows *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *rows_follow(Rows *self, PyObject *const *args, Py_ssize_t nargs);

/* None for each array of a batch, by name and in their order; NULL with an exception. */
PyObject *none_by_name(PyObject *names, int steps);

/* Under the lock, which is let go of meanwhile: wait until nobody reads rows without it, or, with `count` above 0, until
 * so many may be overwritten. With the GIL. */
void rows_wait(Rows *self, int64_t count);

#endif
