/* What amper.cores._core.Core draws. */
#include "../batch.h"
#include "../power.h"
#include "draw.h"

int is_batch(PyObject *const *args, npy_intp *batch, double *beta)
{
    if (!PyLong_CheckExact(args[0]) || !PyFloat_CheckExact(args[1]))
        return 0;
    int overflow;
    *batch = PyLong_AsLongAndOverflow(args[0], &overflow);
    *beta = PyFloat_AS_DOUBLE(args[1]);
    return !overflow && *batch >= 1 && *batch <= 0x7FFFFFFF && *beta >= 0.0 && *beta <= 0x1.fffffffffffffp1023;
}

int core_draw(Core *self, npy_intp batch, double beta, const Rows *fetched, int64_t *row, float *weight)
{
    int status = 1, empty;
    Sampler *s = &self->s;
    lock_take(&self->lock);
    if (s->count == 0)
        status = 0;
    else if (batch_reserve(s, batch) || (empty = batch_draw(s, batch, row)) < 0)
        status = -1;
    else {
        if (fetched)
            fetch_rows(fetched, row, batch < FETCHED ? batch : FETCHED);
        normalised_weights(batch_values(s, batch, empty, NULL), weight, batch, beta);
        s->batches++;
    }
    lock_release(&self->lock);
    return status;
}

/* `core_draw` of a long batch. */
static int core_draw_long(Core *self, npy_intp batch, double beta, int64_t *row, float *weight)
{
    Draw draw;
    if (draw_new(&draw, batch, 0))
        return -1;
    PyThreadState *saved = PyEval_SaveThread();
    int status = draw_from_core(&draw, self);
    if (status > 0) {
        memcpy(row, draw.row, (size_t)batch * sizeof *row);
        normalised_weights(draw.value, weight, batch, beta);
    }
    PyEval_RestoreThread(saved);
    draw_free(&draw);
    return status;
}

/* (indices, weights), or None if the arguments are not an int above 0 and a float, or nothing is held. */
PyObject *core_sample(Core *self, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp batch;
    double beta;
    if (nargs != 2 || !is_batch(args, &batch, &beta))
        Py_RETURN_NONE;
    PyObject *drawn[2] = {PyArray_EMPTY(1, &batch, NPY_INT64, 0), PyArray_EMPTY(1, &batch, NPY_FLOAT32, 0)};
    PyObject *result = drawn[0] && drawn[1] ? PyTuple_New(2) : NULL;
    int status = 0;
    if (result) {
        int64_t *row = PyArray_DATA((PyArrayObject *)drawn[0]);
        float *weight = PyArray_DATA((PyArrayObject *)drawn[1]);
        status = batch > PIECE ? core_draw_long(self, batch, beta, row, weight)
                               : core_draw(self, batch, beta, NULL, row, weight);
    }
    if (status > 0) {
        PyTuple_SET_ITEM(result, 0, drawn[0]);
        PyTuple_SET_ITEM(result, 1, drawn[1]);
        return result;
    }
    if (status < 0)
        PyErr_NoMemory();
    Py_XDECREF(result);
    Py_XDECREF(drawn[0]);
    Py_XDECREF(drawn[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}
