/* amper.cores._core.Rows: puts transitions into the rows of a replay buffer, gathers them, and draws batches;
 * amper.replay.rows.NumpyRows is the same in NumPy. It works on the arrays' own memory, and releases the GIL where that
 * pays. It is a context manager that holds the buffer's lock. */
#include <stdlib.h>
#include <string.h>

#include "core_type.h"
#include "types.h"

#define LONG_COPY 65536 /* bytes from which releasing the GIL costs less than it gives */
#define COLUMNS_ON_STACK 16
#define ROWS_ON_STACK 512

static PyObject *name_of_indices, *name_of_weights;

int rows_prepare(void)
{
    name_of_indices = PyUnicode_InternFromString("indices");
    name_of_weights = PyUnicode_InternFromString("weights");
    return name_of_indices && name_of_weights ? 0 : -1;
}

/* None for each array of a batch, by name and in their order; NULL with an exception. */
static PyObject *none_by_name(PyObject *names)
{
    PyObject *none = PyDict_New();
    for (Py_ssize_t i = 0; none && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(none, PyTuple_GET_ITEM(names, i), Py_None))
            Py_CLEAR(none);
    if (none && (PyDict_SetItem(none, name_of_indices, Py_None) || PyDict_SetItem(none, name_of_weights, Py_None)))
        Py_CLEAR(none);
    return none;
}

static void rows_dealloc(Rows *self)
{
    if (self->weak)
        PyObject_ClearWeakRefs((PyObject *)self);
    free(self->column);
    if (self->lock)
        PyThread_free_lock(self->lock);
    Py_XDECREF(self->names);
    Py_XDECREF(self->views);
    Py_XDECREF(self->none_by_name);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Put in what n-step transitions are made of, column numbers; -1 unless they are of the columns and their types. */
static int rows_set_steps(Rows *self, long long steps, double gamma, Py_ssize_t reward, Py_ssize_t end, Py_ssize_t cut)
{
    if (reward < 0 || reward >= self->count || end < 0 || end >= self->count || cut < 0 || cut >= self->count)
        return -1;
    self->steps = steps;
    self->gamma = gamma;
    self->reward = self->column + reward;
    self->terminated = self->column + end;
    self->truncated = self->column + cut;
    return (self->reward->type == NPY_FLOAT || self->reward->type == NPY_DOUBLE) && self->reward->scalar
                   && self->terminated->bytes == 1 && self->truncated->bytes == 1
               ? 0
               : -1;
}

/* (names, views, from_last[, n, gamma, reward, terminated, truncated]); the last three are numbers of columns. */
static PyObject *rows_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *names, *views, *flags;
    long long steps = 0;
    double gamma = 1.0;
    Py_ssize_t reward = 0, end = 0, cut = 0;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!O!O!|Ldnnn", &PyTuple_Type, &names, &PyTuple_Type, &views, &PyTuple_Type, &flags,
                          &steps, &gamma, &reward, &end, &cut))
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    if (count == 0 || PyTuple_GET_SIZE(views) != count || PyTuple_GET_SIZE(flags) != count) {
        PyErr_SetString(PyExc_TypeError, "Rows takes as many names as arrays and flags, at least one");
        return NULL;
    }
    Rows *self = (Rows *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->names = Py_NewRef(names);
    self->views = Py_NewRef(views);
    self->count = count;
    self->column = calloc((size_t)count, sizeof(Column));
    self->lock = PyThread_allocate_lock();
    if (self->column == NULL || self->lock == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (column_set(self->column + i, PyTuple_GET_ITEM(names, i), PyTuple_GET_ITEM(views, i),
                       PyTuple_GET_ITEM(flags, i) == Py_True)) {
            Py_DECREF(self);
            return NULL;
        }
    if ((self->none_by_name = none_by_name(names)) == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    self->rows = PyArray_DIM(self->column[0].view, 0);
    self->stride = PyArray_STRIDE(self->column[0].view, 0);
    self->first = self->column[0].data;
    if (steps > 0 && rows_set_steps(self, steps, gamma, reward, end, cut)) {
        PyErr_SetString(PyExc_TypeError, "Rows takes the numbers of a column of rewards and two of bytes");
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* True, or False and nothing is stored, if it is not (row, a dictionary of a fitting value for each column). */
static PyObject *rows_put(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || !PyLong_Check(args[0]) || !PyDict_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "put takes a row and a dictionary");
        return NULL;
    }
    int64_t row = PyLong_AsLongLong(args[0]);
    if (row < 0 || row >= self->rows) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_IndexError, "put takes a row that exists");
        return NULL;
    }
    if (self->count > COLUMNS_ON_STACK || PyDict_GET_SIZE(args[1]) != self->count)
        Py_RETURN_FALSE;
    Value value[COLUMNS_ON_STACK];
    for (Py_ssize_t i = 0; i < self->count; i++) {
        PyObject *object = PyDict_GetItemWithError(args[1], self->column[i].name);
        if (object == NULL && PyErr_Occurred())
            return NULL;
        if (object == NULL || !value_of(self->column + i, object, value + i))
            Py_RETURN_FALSE;
    }
    for (Py_ssize_t i = 0; i < self->count; i++)
        memcpy(self->column[i].data + row * self->stride, value[i].from, self->column[i].bytes);
    Py_RETURN_TRUE;
}

static int are_rows(const Rows *self, PyObject *object)
{
    if (!is_plain(object, NPY_INT64))
        return 0;
    const int64_t *row = PyArray_DATA((PyArrayObject *)object);
    int legal = 1;
    for (npy_intp i = 0; i < PyArray_SIZE((PyArrayObject *)object); i++)
        legal &= (uint64_t)row[i] < (uint64_t)self->rows;
    return legal;
}

/* Where a batch's columns go, in `few` or, if they are more, in memory to be freed; NULL if the arrays do not fit. */
static char **outs_of(const Rows *self, PyObject *outs, npy_intp batch, char **few)
{
    if (!PyTuple_Check(outs) || PyTuple_GET_SIZE(outs) != self->count)
        return NULL;
    char **to = self->count > COLUMNS_ON_STACK ? malloc((size_t)self->count * sizeof *to) : few;
    for (Py_ssize_t i = 0; i < self->count && to != NULL; i++) {
        PyArrayObject *out = (PyArrayObject *)PyTuple_GET_ITEM(outs, i);
        if (PyArray_Check(out) && PyArray_ISCARRAY(out)
            && (size_t)PyArray_NBYTES(out) == self->column[i].bytes * (size_t)batch) {
            to[i] = PyArray_DATA(out);
            continue;
        }
        if (to != few)
            free(to);
        return NULL;
    }
    return to;
}

static void gather_freely(const Rows *self, PyObject *indices, PyObject *last, npy_intp batch, char **to)
{
    PyThreadState *saved = batch * self->stride >= LONG_COPY ? PyEval_SaveThread() : NULL;
    gather_rows(self, PyArray_DATA((PyArrayObject *)indices), PyArray_DATA((PyArrayObject *)last), batch, to);
    if (saved)
        PyEval_RestoreThread(saved);
}

/* (indices, last, outs): copy the rows of `indices`, or `last`, into the arrays of the tuple `outs`, one a column. */
static PyObject *rows_gather(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3 || !are_rows(self, args[0]) || !(args[1] == args[0] || are_rows(self, args[1]))
        || PyArray_SIZE((PyArrayObject *)args[0]) != PyArray_SIZE((PyArrayObject *)args[1])) {
        PyErr_SetString(PyExc_ValueError, "gather takes two arrays of rows that exist, and an array for each column");
        return NULL;
    }
    npy_intp batch = PyArray_SIZE((PyArrayObject *)args[0]);
    char *few[COLUMNS_ON_STACK], **to = outs_of(self, args[2], batch, few);
    if (to == NULL) {
        PyErr_SetString(PyExc_ValueError, "gather takes a writable array of the batch's size for each column");
        return NULL;
    }
    gather_freely(self, args[0], args[1], batch, to);
    if (to != few)
        free(to);
    Py_RETURN_NONE;
}

/* A batch with new arrays, whose columns are to be copied to `to`; NULL with an exception. */
static PyObject *new_batch(const Rows *self, npy_intp size, char **to, PyObject *drawn[2])
{
    PyObject *batch = PyDict_Copy(self->none_by_name);
    for (Py_ssize_t i = 0; batch && i < self->count; i++) {
        PyArrayObject *view = self->column[i].view;
        PyArray_Descr *descr = PyArray_DESCR(view);
        npy_intp shape[NPY_MAXDIMS] = {size};
        for (int d = 1; d < PyArray_NDIM(view); d++)
            shape[d] = PyArray_DIM(view, d);
        Py_INCREF(descr); /* which the array takes over */
        PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(view), shape, NULL, NULL, 0, NULL);
        if (array == NULL || PyDict_SetItem(batch, self->column[i].name, array))
            Py_CLEAR(batch);
        else
            to[i] = PyArray_DATA((PyArrayObject *)array);
        Py_XDECREF(array); /* the dictionary keeps it */
    }
    for (int i = 0; batch && i < 2; i++) {
        drawn[i] = PyArray_EMPTY(1, &size, i == 0 ? NPY_INT64 : NPY_FLOAT32, 0);
        if (drawn[i] == NULL || PyDict_SetItem(batch, i == 0 ? name_of_indices : name_of_weights, drawn[i]))
            Py_CLEAR(batch);
        Py_XDECREF(drawn[i]);
    }
    return batch;
}

/* The array of a batch by its name, if it is just as `new_batch` makes it; else NULL, perhaps with an exception. */
static PyArrayObject *array_of(PyObject *batch, PyObject *name, npy_intp size, int type, size_t bytes, int dimensions,
                               const npy_intp *shape)
{
    PyArrayObject *array = (PyArrayObject *)PyDict_GetItemWithError(batch, name);
    return array && PyArray_CheckExact(array) && PyArray_ISCARRAY(array) && PyArray_TYPE(array) == type
                   && PyArray_NDIM(array) == dimensions + 1 && PyArray_DIM(array, 0) == size
                   && PyArray_CompareLists(PyArray_DIMS(array) + 1, shape, dimensions)
                   && (size_t)PyArray_NBYTES(array) == bytes * (size_t)size
               ? array
               : NULL;
}

/* The batch `out`, to be overwritten, or NULL, perhaps with an exception, unless it is as `new_batch` makes it. */
static PyObject *old_batch(const Rows *self, PyObject *out, npy_intp size, char **to, PyObject *drawn[2])
{
    if (!PyDict_CheckExact(out) || PyDict_GET_SIZE(out) != self->count + 2)
        return NULL;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        const Column *column = self->column + i;
        PyArrayObject *array = column->plain ? array_of(out, column->name, size, column->type, column->bytes,
                                                        PyArray_NDIM(column->view) - 1, PyArray_DIMS(column->view) + 1)
                                             : NULL; /* types with parameters are NumPy's to compare */
        if (array == NULL)
            return NULL;
        to[i] = PyArray_DATA(array);
    }
    drawn[0] = (PyObject *)array_of(out, name_of_indices, size, NPY_INT64, sizeof(int64_t), 0, NULL);
    drawn[1] = (PyObject *)array_of(out, name_of_weights, size, NPY_FLOAT32, sizeof(float), 0, NULL);
    return drawn[0] && drawn[1] ? Py_NewRef(out) : NULL;
}

/* Replace rows by the numbers of the transitions in them. */
static void number_rows(const Rows *self, int64_t *row, int64_t count)
{
    int64_t next = self->added % self->rows, turn = self->added - next; /* of the row that is taken next */
    for (int64_t i = 0; i < count; i++)
        row[i] += turn - (row[i] >= next ? self->rows : 0);
}

/* The rows of transitions that are all still there; 0 if one is not. Most are of the ring's latest two turns, so that
 * there is nothing to divide. */
static int rows_of_numbers(const Rows *self, const int64_t *number, int64_t count, int64_t *row)
{
    int64_t turn = self->added - self->added % self->rows, oldest = self->added - self->rows;
    int there = 1;
    for (int64_t i = 0; i < count; i++) {
        there &= number[i] >= 0 && number[i] >= oldest && number[i] < self->added;
        row[i] = number[i] - turn + (number[i] < turn ? self->rows : 0);
    }
    return there;
}

/* (core, numbers, values, flags): Core.write for transitions that are all still there. False, and nothing is done, unless
 * they are a Core of as many rows, such numbers and what its `write` takes and finds legal. */
static PyObject *rows_write(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    int64_t few[ROWS_ON_STACK], *row = few;
    if (nargs != 4 || !Py_IS_TYPE(args[0], &core_type) || ((Core *)args[0])->s.rows != self->rows
        || !is_plain(args[1], NPY_INT64) || plain_values(args[2]) != PyArray_SIZE((PyArrayObject *)args[1]))
        Py_RETURN_FALSE;
    long flags = PyLong_AsLong(args[3]);
    int64_t count = PyArray_SIZE((PyArrayObject *)args[1]);
    if (count > ROWS_ON_STACK && (row = malloc((size_t)count * sizeof *row)) == NULL)
        return PyErr_NoMemory();
    take_lock(self->lock);
    int status = rows_of_numbers(self, PyArray_DATA((PyArrayObject *)args[1]), count, row)
                     ? core_store((Core *)args[0], row, args[2], (int)flags)
                     : NOT_PLAIN;
    PyThread_release_lock(self->lock);
    if (row != few)
        free(row);
    return status < 0 ? NULL : PyBool_FromLong(status == DONE);
}

/* (core, batch, beta, out): draw a batch, under the lock, and copy its rows, into new arrays if `out` is None or else
 * over those of this batch. None, and nothing is done, unless they are a Core of as many rows, what its `sample` takes
 * and such a batch, and there is something to draw. */
static PyObject *rows_sample(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp size;
    double beta;
    char *few[COLUMNS_ON_STACK], **to = few;
    if (nargs != 4 || !Py_IS_TYPE(args[0], &core_type) || ((Core *)args[0])->s.rows != self->rows
        || !is_batch(args + 1, &size, &beta))
        Py_RETURN_NONE;
    if (self->count > COLUMNS_ON_STACK && (to = malloc((size_t)self->count * sizeof *to)) == NULL)
        return PyErr_NoMemory();
    PyObject *drawn[2];
    PyObject *batch = args[3] == Py_None ? new_batch(self, size, to, drawn) : old_batch(self, args[3], size, to, drawn);
    int status = 0;
    if (batch) {
        take_lock(self->lock);
        status = core_draw((Core *)args[0], size, beta, self, drawn);
        if (status > 0) {
            gather_freely(self, drawn[0], drawn[0], size, to);
            number_rows(self, PyArray_DATA((PyArrayObject *)drawn[0]), size);
        }
        PyThread_release_lock(self->lock);
    }
    if (to != few)
        free(to);
    if (status > 0)
        return batch;
    Py_XDECREF(batch);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *rows___enter__(Rows *self, PyObject *unused)
{
    (void)unused;
    take_lock(self->lock);
    Py_RETURN_NONE;
}

static PyObject *rows___exit__(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)args, (void)nargs;
    PyThread_release_lock(self->lock);
    Py_RETURN_NONE;
}

/* (indices, follower): (last rows, sums of rewards, gamma^steps), as amper.replay.nstep.followed gives them. */
static PyObject *rows_follow(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2 || self->steps == 0 || !are_rows(self, args[0]) || !is_plain(args[1], NPY_INT32)
        || PyArray_SIZE((PyArrayObject *)args[1]) != self->rows) {
        PyErr_SetString(PyExc_ValueError, "follow takes rows that exist, and each row's follower");
        return NULL;
    }
    npy_intp count = PyArray_SIZE((PyArrayObject *)args[0]);
    PyObject *last = PyArray_EMPTY(1, &count, NPY_INT64, 0), *total = PyArray_EMPTY(1, &count, NPY_FLOAT64, 0),
             *discount = PyArray_EMPTY(1, &count, NPY_FLOAT64, 0);
    if (last && total && discount) {
        const int64_t *row = PyArray_DATA((PyArrayObject *)args[0]);
        fetch_rows(self, row, count);
        memcpy(PyArray_DATA((PyArrayObject *)last), row, (size_t)count * sizeof *row);
        follow_rows(self, PyArray_DATA((PyArrayObject *)args[1]), count, PyArray_DATA((PyArrayObject *)last),
                    PyArray_DATA((PyArrayObject *)total), PyArray_DATA((PyArrayObject *)discount));
    }
    PyObject *result = last && total && discount ? PyTuple_Pack(3, last, total, discount) : NULL;
    Py_XDECREF(last);
    Py_XDECREF(total);
    Py_XDECREF(discount);
    return result;
}

#define ROWS_METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))rows_##name, flags, NULL}

static PyMethodDef rows_methods[] = {
    ROWS_METHOD(put, METH_FASTCALL), ROWS_METHOD(gather, METH_FASTCALL),
    ROWS_METHOD(follow, METH_FASTCALL), ROWS_METHOD(sample, METH_FASTCALL), ROWS_METHOD(write, METH_FASTCALL),
    ROWS_METHOD(__enter__, METH_NOARGS), ROWS_METHOD(__exit__, METH_FASTCALL), {NULL, NULL, 0, NULL},
};

static PyMemberDef rows_members[] = {
    {"added", T_LONGLONG, offsetof(Rows, added), 0, NULL},
    {"dropped", T_LONGLONG, offsetof(Rows, dropped), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject rows_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.Rows",
    .tp_basicsize = sizeof(Rows),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = rows_new,
    .tp_dealloc = (destructor)rows_dealloc,
    .tp_weaklistoffset = offsetof(Rows, weak),
    .tp_methods = rows_methods,
    .tp_members = rows_members,
};
