/* Static methods of Exact that know nothing of its rows: those are in arrays of the caller. */
#ifndef AMPER_EXACT_STORE_H
#define AMPER_EXACT_STORE_H

#include "arrays.h"

/* coded(rows, values, flags, eps, alpha, scale, largest, codes held) -> (float64 priorities, int64 codes) of a write, () if a
 * row or value is not legal, None unless they are plain arrays of one length. */
PyObject *exact_object_coded(PyObject *unused, PyObject *const *args, Py_ssize_t nargs);

/* kept(rows, priorities, codes, codes held, float32 priorities held, bounds, block): what coded gave is held from now on, of a
 * row that comes more than once the last; `bounds` of blocks of rows, (0,) for none, are raised. -> (rows that held nothing
 * before, the largest row plus one, the largest priority). */
PyObject *exact_object_kept(PyObject *unused, PyObject *const *args, Py_ssize_t nargs);

#endif
