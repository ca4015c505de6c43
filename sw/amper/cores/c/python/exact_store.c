/* Exact.coded and Exact.kept: what `amper.cores.exact` does with the priorities of a write before and after its backend, in two
 * passes; its methods `write` and `_store` are the same in NumPy. */
#include "exact_store.h"

#include <float.h>
#include <math.h>

#include "../power.h"
#include "../sampler.h"

#define DATA(object) PyArray_DATA((PyArrayObject *)(object))
#define SIZE(object) PyArray_SIZE((PyArrayObject *)(object))

/* Whether all rows are below `rows` and, if they must, hold something. */
static int rows_are_good(const int64_t *row, int64_t count, int64_t rows, const uint32_t *must_hold)
{
    for (int64_t i = 0; i < count; i++)
        if ((uint64_t)row[i] >= (uint64_t)rows || (must_hold != NULL && must_hold[row[i]] == 0))
            return 0;
    return 1;
}

/* `values` as float64, all finite and at least `least`; whether they are. */
static int values_are_good(PyObject *values, int64_t count, double least, double *to)
{
    int narrow = PyArray_TYPE((PyArrayObject *)values) == NPY_FLOAT32;
    for (int64_t i = 0; i < count; i++) {
        to[i] = narrow ? (double)((const float *)DATA(values))[i] : ((const double *)DATA(values))[i];
        if (!(to[i] >= least && to[i] <= DBL_MAX))
            return 0;
    }
    return 1;
}

/* min(largest, max(1, rint(priority * scale))), saturated before the product, which so cannot overflow. */
static void quantise(const double *priority, int64_t count, double scale, double largest, int64_t *code)
{
    double most = largest / scale;
    for (int64_t i = 0; i < count; i++) {
        double rounded = rint((priority[i] < most ? priority[i] : most) * scale);
        code[i] = (int64_t)(rounded < 1.0 ? 1.0 : rounded > largest ? largest : rounded);
    }
}

PyObject *exact_object_coded(PyObject *unused, PyObject *const *args, Py_ssize_t nargs)
{
    (void)unused;
    if (nargs != 8 || !is_plain(args[7], NPY_UINT32)) {
        PyErr_SetString(PyExc_TypeError, "coded takes rows, values, flags, eps, alpha, scale, largest and the codes held");
        return NULL;
    }
    if (!is_plain(args[0], NPY_INT64) || !(is_plain(args[1], NPY_FLOAT64) || is_plain(args[1], NPY_FLOAT32))
        || SIZE(args[0]) != SIZE(args[1]))
        Py_RETURN_NONE;
    long flags = PyLong_AsLong(args[2]);
    double number[4]; /* eps, alpha, scale, largest */
    for (int i = 0; i < 4; i++)
        number[i] = PyFloat_AsDouble(args[3 + i]);
    if (PyErr_Occurred())
        return NULL;
    npy_intp count = SIZE(args[0]);
    PyObject *priorities = PyArray_EMPTY(1, &count, NPY_FLOAT64, 0), *codes = PyArray_EMPTY(1, &count, NPY_INT64, 0);
    if (priorities == NULL || codes == NULL)
        goto failed;
    const uint32_t *held = DATA(args[7]);
    if (!rows_are_good(DATA(args[0]), count, SIZE(args[7]), flags & MUST_HOLD ? held : NULL)
        || !values_are_good(args[1], count, flags & ERRORS ? -DBL_MAX : 0.0, DATA(priorities))) {
        Py_DECREF(priorities);
        Py_DECREF(codes);
        return Py_BuildValue("()");
    }
    if (flags & ERRORS)
        exponentiate(DATA(priorities), count, number[0], number[1]);
    quantise(DATA(priorities), count, number[2], number[3], DATA(codes));
    return Py_BuildValue("NN", priorities, codes);
failed:
    Py_XDECREF(priorities);
    Py_XDECREF(codes);
    return NULL;
}

PyObject *exact_object_kept(PyObject *unused, PyObject *const *args, Py_ssize_t nargs)
{
    (void)unused;
    static const int type[] = {NPY_INT64, NPY_FLOAT64, NPY_INT64, NPY_UINT32, NPY_FLOAT32, NPY_FLOAT32};
    int good = nargs == 7;
    for (int i = 0; good && i < 6; i++)
        good = is_plain(args[i], type[i]);
    int64_t block = good ? PyLong_AsLongLong(args[6]) : 0, count = good ? SIZE(args[0]) : 0;
    int64_t rows = good ? SIZE(args[3]) : 0;
    if (!good || count < 1 || SIZE(args[1]) != count || SIZE(args[2]) != count || SIZE(args[4]) != rows || block < 1
        || (SIZE(args[5]) > 0 && SIZE(args[5]) < (rows + block - 1) / block) || !rows_are_good(DATA(args[0]), count, rows, NULL)) {
        PyErr_SetString(PyExc_TypeError, "kept takes what coded gave, the codes and priorities held, bounds and their block");
        return NULL;
    }
    const int64_t *row = DATA(args[0]), *code = DATA(args[2]);
    const double *priority = DATA(args[1]);
    uint32_t *held_code = DATA(args[3]);
    float *held = DATA(args[4]), *bound = SIZE(args[5]) > 0 ? DATA(args[5]) : NULL;
    int64_t taken = 0, last = 0;
    double most = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double stored = priority[i] < 0x1p-126 ? 0x1p-126 : priority[i] > 0x1p127 ? 0x1p127 : priority[i];
        taken += held_code[row[i]] == 0;
        held_code[row[i]] = (uint32_t)code[i];
        held[row[i]] = (float)stored;
        if (bound != NULL && bound[row[i] / block] < (float)stored)
            bound[row[i] / block] = (float)stored; /* also by one that is overwritten: it is a bound */
        last = row[i] > last ? row[i] : last;
        most = priority[i] > most ? priority[i] : most;
    }
    return Py_BuildValue("LLd", (long long)taken, (long long)last + 1, most);
}
