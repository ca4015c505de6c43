/* amper.cores._core.Core: the compiled sampler. It takes exactly the arguments that amper.sampler.sampler gives it and answers with a
 * status; the Python around it says what is wrong. One lock for each sampler; long operations release the GIL. */
#ifndef AMPER_CORE_TYPE_H
#define AMPER_CORE_TYPE_H

#include "rows.h"
#include "sampler.h"

#define LONG_OPERATION 2048 /* elements from which releasing the GIL costs less than it gives */

enum Status { DONE, NOT_PLAIN, ILLEGAL }; /* of an operation; NOT_PLAIN: not the arrays that it takes */
enum Flag { MUST_HOLD = 1, ERRORS = 2 };  /* of a write: only rows that hold a priority; TD errors, not priorities */

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    Sampler s;
} Core;

static PyObject *core_unlock(Core *self, PyObject *result)
{
    PyThread_release_lock(self->lock);
    return result;
}

static void core_dealloc(Core *self)
{
    sampler_free(&self->s);
    if (self->lock)
        PyThread_free_lock(self->lock);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *core_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"mode", "rows", "groups", "scale", "target", "largest_scale", "own_weights",
                            "key", "alpha", "eps", NULL};
    int mode, own_weights;
    long long rows, groups;
    unsigned long long key;
    double scale, target, largest_scale, alpha, eps;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iLLdddiKdd", names, &mode, &rows, &groups, &scale, &target,
                                     &largest_scale, &own_weights, &key, &alpha, &eps))
        return NULL;
    Core *self = (Core *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    Sampler *s = &self->s;
    s->mode = mode;
    s->rows = rows;
    s->query.groups = groups;
    s->scale = scale;
    s->target = target;
    s->largest_scale = largest_scale;
    s->own_weights = own_weights;
    s->key = key;
    s->alpha = alpha;
    s->eps = eps;
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL || sampler_new(s)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static int rows_are_legal(const Sampler *s, const int64_t *row, int64_t count, int must_hold)
{
    for (int64_t i = 0; i < count; i++)
        if ((uint64_t)row[i] >= (uint64_t)s->rows || (must_hold && !sampler_holds(s, row[i])))
            return 0;
    return 1;
}

/* Put into `value` what is to be stored of the numbers; 0 if one is not legal. */
FOR_EACH_CPU
static int convert_values(double *number, float *value, int64_t count, int errors, double eps, double alpha)
{
    double least = errors ? -0x1.fffffffffffffp1023 : 0.0;
    int legal = 1;
    for (int64_t i = 0; i < count; i++)
        legal &= number[i] >= least && number[i] <= 0x1.fffffffffffffp1023;
    if (legal && errors)
        for (int64_t i = 0; i < count; i++)
            number[i] = exponentiated(number[i], eps, alpha);
    for (int64_t i = 0; i < count; i++)
        value[i] = stored(number[i]);
    return legal;
}

/* A status, or -1 without memory. */
static int write_values(Sampler *s, const int64_t *row, const double *wide, const float *narrow, int64_t count, long flags)
{
    if (sampler_reserve_values(s, count))
        return -1;
    if (wide)
        memcpy(s->number, wide, (size_t)count * sizeof(double));
    else
        for (int64_t i = 0; i < count; i++)
            s->number[i] = narrow[i];
    if (!rows_are_legal(s, row, count, flags & MUST_HOLD)
        || !convert_values(s->number, s->value, count, flags & ERRORS, s->eps, s->alpha))
        return ILLEGAL;
    if (sampler_reserve_codes(s, s->value, count))
        return -1;
    sampler_write(s, row, s->value, count);
    return DONE;
}

static PyObject *core_write(Core *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "write takes indices, values and flags");
        return NULL;
    }
    int wide = is_plain(args[1], NPY_FLOAT64);
    if (!is_plain(args[0], NPY_INT64) || (!wide && !is_plain(args[1], NPY_FLOAT32))
        || PyArray_SIZE((PyArrayObject *)args[0]) != PyArray_SIZE((PyArrayObject *)args[1]))
        return PyLong_FromLong(NOT_PLAIN);
    long flags = PyLong_AsLong(args[2]);
    int64_t count = PyArray_SIZE((PyArrayObject *)args[0]);
    const int64_t *row = PyArray_DATA((PyArrayObject *)args[0]);
    const void *value = PyArray_DATA((PyArrayObject *)args[1]);
    int status;
    take_lock(self->lock);
    PyThreadState *saved = count >= LONG_OPERATION ? PyEval_SaveThread() : NULL;
    status = write_values(&self->s, row, wide ? value : NULL, wide ? NULL : value, count, flags);
    if (saved)
        PyEval_RestoreThread(saved);
    return core_unlock(self, status < 0 ? PyErr_NoMemory() : PyLong_FromLong(status));
}

/* The row that the priority (None: the largest so far) was stored in, or None if it is not legal. */
static PyObject *core_add(Core *self, PyObject *priority)
{
    double value = 0.0;
    int given = priority != Py_None;
    if (given) {
        if (!PyFloat_CheckExact(priority))
            Py_RETURN_NONE;
        value = PyFloat_AS_DOUBLE(priority);
        if (!(value >= 0.0 && value <= 0x1.fffffffffffffp1023))
            Py_RETURN_NONE;
    }
    take_lock(self->lock);
    Sampler *s = &self->s;
    float kept = stored(given ? value : s->maximum > 0.0 ? s->maximum : 1.0);
    int64_t row = s->cursor;
    if (sampler_reserve_values(s, 1) || sampler_reserve_codes(s, &kept, 1))
        return core_unlock(self, PyErr_NoMemory());
    sampler_write(s, &row, &kept, 1);
    s->cursor = row + 1 == s->rows ? 0 : row + 1;
    return core_unlock(self, PyLong_FromLongLong(row));
}

static PyObject *core_remove(Core *self, PyObject *indices)
{
    if (!is_plain(indices, NPY_INT64))
        return PyLong_FromLong(NOT_PLAIN);
    int64_t count = PyArray_SIZE((PyArrayObject *)indices);
    const int64_t *row = PyArray_DATA((PyArrayObject *)indices);
    take_lock(self->lock);
    int legal = rows_are_legal(&self->s, row, count, 1);
    if (legal)
        sampler_remove(&self->s, row, count);
    return core_unlock(self, PyLong_FromLong(legal ? DONE : ILLEGAL));
}

/* Whether the arguments are an int above 0 and a float, as a batch takes them. */
static int is_batch(PyObject *const *args, npy_intp *batch, double *beta)
{
    if (!PyLong_CheckExact(args[0]) || !PyFloat_CheckExact(args[1]))
        return 0;
    int overflow;
    *batch = PyLong_AsLongAndOverflow(args[0], &overflow);
    *beta = PyFloat_AS_DOUBLE(args[1]);
    return !overflow && *batch >= 1 && *batch <= 0x7FFFFFFF && *beta >= 0.0 && *beta <= 0x1.fffffffffffffp1023;
}

/* Draw a batch into new arrays; the drawn rows of `fetched`, if not NULL, are on their way into the caches then. 1, or 0
 * if nothing is held, or -1 without memory. */
static int core_draw(Core *self, npy_intp batch, double beta, const Rows *fetched, PyObject *drawn[2])
{
    drawn[0] = PyArray_EMPTY(1, &batch, NPY_INT64, 0);
    drawn[1] = PyArray_EMPTY(1, &batch, NPY_FLOAT32, 0);
    int status = drawn[0] && drawn[1] ? 1 : -1, empty;
    take_lock(self->lock);
    if (status > 0 && self->s.count == 0)
        status = 0;
    if (status > 0) {
        int64_t *row = PyArray_DATA((PyArrayObject *)drawn[0]);
        float *weight = PyArray_DATA((PyArrayObject *)drawn[1]);
        PyThreadState *saved = batch >= LONG_OPERATION ? PyEval_SaveThread() : NULL;
        empty = sampler_reserve(&self->s, batch) ? -1 : sampler_sample(&self->s, batch, row);
        if (fetched && empty >= 0)
            fetch_rows(fetched, row, batch < FETCHED ? batch : FETCHED);
        if (empty >= 0)
            sampler_weigh(&self->s, batch, beta, empty, weight);
        if (saved)
            PyEval_RestoreThread(saved);
        status = empty < 0 ? -1 : 1;
    }
    PyThread_release_lock(self->lock);
    if (status < 1) {
        Py_CLEAR(drawn[0]);
        Py_CLEAR(drawn[1]);
    }
    if (status < 0)
        PyErr_NoMemory();
    return status;
}

/* (indices, weights), or None if the arguments are not an int above 0 and a float, or nothing is held. */
static PyObject *core_sample(Core *self, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp batch;
    double beta;
    PyObject *drawn[2];
    if (nargs != 2 || !is_batch(args, &batch, &beta))
        Py_RETURN_NONE;
    int status = core_draw(self, batch, beta, NULL, drawn);
    if (status == 0)
        Py_RETURN_NONE;
    PyObject *result = status > 0 ? PyTuple_New(2) : NULL;
    if (result == NULL) {
        Py_XDECREF(drawn[0]);
        Py_XDECREF(drawn[1]);
        return NULL;
    }
    PyTuple_SET_ITEM(result, 0, drawn[0]);
    PyTuple_SET_ITEM(result, 1, drawn[1]);
    return result;
}

/* float32 (rows,): what is stored, 0 where nothing is held. */
static PyObject *core_priorities(Core *self, PyObject *unused)
{
    (void)unused;
    npy_intp size = self->s.rows;
    PyObject *array = PyArray_EMPTY(1, &size, NPY_FLOAT32, 0);
    if (array == NULL)
        return NULL;
    float *priority = PyArray_DATA((PyArrayObject *)array);
    take_lock(self->lock);
    for (npy_intp row = 0; row < size; row++) {
        if (self->s.mode < AMPER)
            priority[row] = self->s.tree.priority[row];
        else
            priority[row] = self->s.index.code[row] ? (float)code_value(self->s.index.code[row]) : 0.0f;
    }
    return core_unlock(self, array);
}

/* uint32 (0,): nothing more than `priorities` is needed; bit-exact cores have codes here. */
static PyObject *core_extra(Core *self, PyObject *unused)
{
    (void)self, (void)unused;
    npy_intp size = 0;
    return PyArray_EMPTY(1, &size, NPY_UINT32, 0);
}

/* float64: the sums of `inclusion.h`'s cover, with its weight and total; empty where it is not kept. */
static PyObject *core_cover(Core *self, PyObject *unused)
{
    (void)unused;
    npy_intp size = self->s.cover ? COVER_BINS + 2 : 0;
    PyObject *array = PyArray_EMPTY(1, &size, NPY_FLOAT64, 0);
    take_lock(self->lock);
    if (array != NULL && size > 0)
        memcpy(PyArray_DATA((PyArrayObject *)array), self->s.cover, sizeof(Cover));
    return core_unlock(self, array);
}

/* Put back what `cover` gave. */
static PyObject *core_set_cover(Core *self, PyObject *array)
{
    npy_intp size = self->s.cover ? COVER_BINS + 2 : 0;
    if (!is_plain(array, NPY_FLOAT64) || PyArray_SIZE((PyArrayObject *)array) != size)
        return PyLong_FromLong(NOT_PLAIN);
    take_lock(self->lock);
    if (size > 0)
        memcpy(self->s.cover, PyArray_DATA((PyArrayObject *)array), sizeof(Cover));
    return core_unlock(self, PyLong_FromLong(DONE));
}

static PyObject *core_memory(Core *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLongLong(sampler_memory(&self->s));
}

static PyObject *core_set_shift(Core *self, PyObject *shift)
{
    long value = PyLong_AsLong(shift);
    if (value == -1 && PyErr_Occurred())
        return NULL;
    take_lock(self->lock);
    if (self->s.mode == PER)
        tree_restore_shift(&self->s.tree, value, self->s.used);
    return core_unlock(self, Py_NewRef(Py_None));
}

#define METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))core_##name, flags, NULL}

static PyMethodDef core_methods[] = {
    METHOD(write, METH_FASTCALL),    METHOD(add, METH_O),          METHOD(remove, METH_O),
    METHOD(sample, METH_FASTCALL),   METHOD(priorities, METH_NOARGS), METHOD(extra, METH_NOARGS),
    METHOD(cover, METH_NOARGS),      METHOD(set_cover, METH_O),    METHOD(memory, METH_NOARGS),
    METHOD(set_shift, METH_O),       {NULL, NULL, 0, NULL},
};

#define MEMBER(name, type) {#name, type, offsetof(Core, s) + offsetof(Sampler, name), 0, NULL}

static PyMemberDef core_members[] = {
    MEMBER(count, T_LONGLONG),
    MEMBER(used, T_LONGLONG),
    MEMBER(cursor, T_LONGLONG),
    MEMBER(maximum, T_DOUBLE),
    MEMBER(key, T_ULONGLONG),
    MEMBER(counter, T_ULONGLONG),
    MEMBER(batches, T_ULONGLONG),
    MEMBER(scale, T_DOUBLE),
    MEMBER(share, T_DOUBLE),
    {"shift", T_LONGLONG, offsetof(Core, s) + offsetof(Sampler, tree) + offsetof(SumTree, shift), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject core_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.Core",
    .tp_basicsize = sizeof(Core),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = core_new,
    .tp_dealloc = (destructor)core_dealloc,
    .tp_methods = core_methods,
    .tp_members = core_members,
};

#endif
