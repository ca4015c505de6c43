/* Python's and NumPy's headers, and what all types here do with arrays. */
#ifndef AMPER_ARRAYS_H
#define AMPER_ARRAYS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL amper_array_api /* one table of NumPy's functions, which module.c fills */
#ifndef AMPER_MODULE
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "../compiler.h"

/* Whether it is a contiguous array of one dimension and the type. */
INLINE int is_plain(PyObject *object, int type)
{
    PyArrayObject *array = (PyArrayObject *)object;
    return PyArray_Check(object) && PyArray_NDIM(array) == 1 && PyArray_TYPE(array) == type && PyArray_ISCARRAY_RO(array);
}

/* The arguments of a bit-exact core's write(rows, codes): how many there are; -1 with an exception. */
INLINE int64_t rows_and_codes(PyObject *const *args, Py_ssize_t nargs, int64_t rows, int width, const int64_t **row,
                              const int64_t **code)
{
    if (nargs != 2 || !is_plain(args[0], NPY_INT64) || !is_plain(args[1], NPY_INT64)
        || PyArray_SIZE((PyArrayObject *)args[0]) != PyArray_SIZE((PyArrayObject *)args[1])) {
        PyErr_SetString(PyExc_TypeError, "write takes rows and as many codes, in contiguous int64 arrays");
        return -1;
    }
    *row = PyArray_DATA((PyArrayObject *)args[0]);
    *code = PyArray_DATA((PyArrayObject *)args[1]);
    int64_t count = PyArray_SIZE((PyArrayObject *)args[0]);
    for (int64_t i = 0; i < count; i++)
        if ((uint64_t)(*row)[i] >= (uint64_t)rows || (uint64_t)(*code)[i] >> width) {
            PyErr_Format(PyExc_ValueError, "row and code must be below %lld and 2^%d, not %lld and %lld", (long long)rows,
                         width, (long long)(*row)[i], (long long)(*code)[i]);
            return -1;
        }
    return count;
}

#endif
