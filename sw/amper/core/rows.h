/* amper._core.Rows: puts transitions into the rows of a replay buffer and gathers them; amper.replay_rows.NumpyRows is
 * the same in NumPy. It works on the arrays' own memory, holds no lock (the buffer has one), and releases the GIL where
 * that pays. */
#ifndef AMPER_ROWS_H
#define AMPER_ROWS_H

#include <math.h>

#include "random.h"

#define LONG_COPY 65536 /* bytes from which releasing the GIL costs less than it gives */
#define FETCHED 32      /* rows fetched ahead: 32 of 64 bytes are well inside the first cache */
#define LINE 64
#define FETCHED_LINES 8 /* of a row; a longer one is sequential enough for the CPU to fetch by itself */

typedef struct {
    PyObject *name;
    PyArrayObject *view; /* (rows, ...) of the storage, with any alignment */
    char *data;
    size_t bytes; /* of one row of the column */
    int type, plain, scalar, from_last; /* plain: a number or bool, so that the type's number says all */
    PyTypeObject *scalar_type; /* NumPy's */
} Column;

typedef struct {
    PyObject_HEAD
    PyObject *names, *views; /* kept for the columns' pointers */
    int64_t rows;
    ptrdiff_t stride; /* bytes from a row to the next, the same for all columns */
    char *first;      /* the column that begins a row */
    Py_ssize_t count;
    Column *column;
    int64_t steps; /* of n-step transitions, 0: none */
    double gamma;
    const Column *reward, *terminated, *truncated;
} Rows;

/* Where a value to be stored is, and room for it if it is a Python number. */
typedef struct {
    const void *from;
    union {
        double f64;
        float f32;
        int64_t i64;
        int32_t i32;
        int16_t i16;
        int8_t i8;
        npy_bool b;
        char any[64];
    } number;
} Value;

static void rows_dealloc(Rows *self)
{
    free(self->column);
    Py_XDECREF(self->names);
    Py_XDECREF(self->views);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int column_set(Column *column, PyObject *name, PyObject *view, int from_last)
{
    if (!PyUnicode_Check(name) || !PyArray_Check(view) || PyArray_NDIM((PyArrayObject *)view) < 1) {
        PyErr_SetString(PyExc_TypeError, "Rows takes names, arrays of rows and flags");
        return -1;
    }
    PyArrayObject *array = (PyArrayObject *)view;
    column->name = name;
    column->view = array;
    column->data = PyArray_DATA(array);
    column->bytes = (size_t)PyArray_ITEMSIZE(array);
    for (int i = 1; i < PyArray_NDIM(array); i++)
        column->bytes *= (size_t)PyArray_DIM(array, i);
    column->type = PyArray_TYPE(array);
    column->plain = PyTypeNum_ISNUMBER(column->type) || column->type == NPY_BOOL;
    column->scalar = PyArray_NDIM(array) == 1;
    column->scalar_type = PyArray_DESCR(array)->typeobj;
    column->from_last = from_last;
    return 0;
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
    if (self->column == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (column_set(self->column + i, PyTuple_GET_ITEM(names, i), PyTuple_GET_ITEM(views, i),
                       PyTuple_GET_ITEM(flags, i) == Py_True)) {
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

/* Put an int into `value`; 0 if it is not of the column's range, or the column is of no integer type for which this
 * is done: NumPy does the others. */
static int value_of_int(const Column *column, PyObject *object, Value *value)
{
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow)
        return 0;
    switch (column->type) {
    case NPY_DOUBLE: value->number.f64 = (double)number; return 1;
    case NPY_FLOAT: value->number.f32 = (float)number; return 1;
    case NPY_INT64: value->number.i64 = number; return 1;
    case NPY_INT32: value->number.i32 = (int32_t)number; return number == (int32_t)number;
    case NPY_INT16: value->number.i16 = (int16_t)number; return number == (int16_t)number;
    case NPY_INT8: value->number.i8 = (int8_t)number; return number == (int8_t)number;
    case NPY_UINT8: value->number.i8 = (int8_t)number; return number == (uint8_t)number;
    default: return 0;
    }
}

/* Find the value of a column in `object`; 0 unless it is of the column's very type and shape, or a plain number. */
static int value_of(const Column *column, PyObject *object, Value *value)
{
    if (PyArray_Check(object)) {
        PyArrayObject *array = (PyArrayObject *)object;
        int dimensions = PyArray_NDIM(column->view) - 1;
        value->from = PyArray_DATA(array);
        /* Types with parameters (strings, times) are NumPy's to compare. */
        return PyArray_TYPE(array) == column->type && column->plain && PyArray_NDIM(array) == dimensions
               && PyArray_CompareLists(PyArray_DIMS(array), PyArray_DIMS(column->view) + 1, dimensions)
               && PyArray_ISCARRAY_RO(array);
    }
    value->from = &value->number;
    if (!column->scalar)
        return 0;
    if (PyFloat_Check(object)) { /* or NumPy's float64 */
        double number = PyFloat_AS_DOUBLE(object);
        value->number.f64 = number;
        if (column->type == NPY_FLOAT) {
            value->number.f32 = (float)number;
            return !isinf(value->number.f32) || isinf(number);
        }
        return column->type == NPY_DOUBLE;
    }
    if (PyBool_Check(object)) {
        value->number.b = object == Py_True;
        return column->type == NPY_BOOL;
    }
    if (PyLong_CheckExact(object))
        return value_of_int(column, object, value);
    if (Py_TYPE(object) != column->scalar_type || column->bytes > sizeof value->number || !column->plain)
        return 0;
    PyArray_ScalarAsCtype(object, &value->number);
    return 1;
}

#define COLUMNS_ON_STACK 16

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

INLINE void copy_rows(const char *from, ptrdiff_t stride, const int64_t *row, int64_t count, char *to, size_t bytes)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * (int64_t)bytes, from + row[i] * stride, bytes);
}

/* A constant size makes `memcpy` one or two instructions. */
static void copy_column(const Column *column, ptrdiff_t stride, const int64_t *row, int64_t count, char *to)
{
    const char *from = column->data;
    switch (column->bytes) {
    case 1: copy_rows(from, stride, row, count, to, 1); break;
    case 2: copy_rows(from, stride, row, count, to, 2); break;
    case 4: copy_rows(from, stride, row, count, to, 4); break;
    case 8: copy_rows(from, stride, row, count, to, 8); break;
    case 16: copy_rows(from, stride, row, count, to, 16); break;
    case 32: copy_rows(from, stride, row, count, to, 32); break;
    default: copy_rows(from, stride, row, count, to, column->bytes);
    }
}

static void fetch_rows(const Rows *self, const int64_t *row, int64_t count)
{
    int lines = (int)((self->stride + LINE - 1) / LINE) + 1; /* a row may begin anywhere in a line */
    lines = lines > FETCHED_LINES ? FETCHED_LINES : lines;
    for (int64_t i = 0; i < count; i++)
        for (int line = 0; line < lines; line++)
            PREFETCH(self->first + row[i] * self->stride + line * LINE);
}

static void gather_rows(const Rows *self, const int64_t *row, const int64_t *last, int64_t count, char **to)
{
    for (int64_t done = 0; done < count; done += FETCHED) {
        int64_t part = count - done < FETCHED ? count - done : FETCHED;
        if (done == 0)
            fetch_rows(self, row, part);
        int64_t next = count - done - part < FETCHED ? count - done - part : FETCHED;
        fetch_rows(self, row + done + part, next);
        for (Py_ssize_t i = 0; i < self->count; i++) {
            const Column *column = self->column + i;
            const int64_t *from = column->from_last ? last : row;
            copy_column(column, self->stride, from + done, part, to[i] + done * (int64_t)column->bytes);
        }
    }
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

/* (indices, last, outs): copy the rows of `indices`, or `last`, into the arrays of the tuple `outs`, one a column. */
static PyObject *rows_gather(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3 || !are_rows(self, args[0]) || !(args[1] == args[0] || are_rows(self, args[1]))
        || PyArray_SIZE((PyArrayObject *)args[0]) != PyArray_SIZE((PyArrayObject *)args[1]) || !PyTuple_Check(args[2])
        || PyTuple_GET_SIZE(args[2]) != self->count) {
        PyErr_SetString(PyExc_ValueError, "gather takes two arrays of rows that exist, and an array for each column");
        return NULL;
    }
    int64_t count = PyArray_SIZE((PyArrayObject *)args[0]);
    char *few[COLUMNS_ON_STACK], **to = few;
    if (self->count > COLUMNS_ON_STACK)
        to = malloc((size_t)self->count * sizeof *to);
    if (to == NULL)
        return PyErr_NoMemory();
    int fits = 1;
    for (Py_ssize_t i = 0; i < self->count && fits; i++) {
        PyArrayObject *out = (PyArrayObject *)PyTuple_GET_ITEM(args[2], i);
        fits = PyArray_Check(out) && PyArray_ISCARRAY(out)
               && (size_t)PyArray_NBYTES(out) == self->column[i].bytes * (size_t)count;
        to[i] = fits ? PyArray_DATA(out) : NULL;
    }
    if (fits) {
        const int64_t *row = PyArray_DATA((PyArrayObject *)args[0]), *last = PyArray_DATA((PyArrayObject *)args[1]);
        PyThreadState *saved = count * self->stride >= LONG_COPY ? PyEval_SaveThread() : NULL;
        gather_rows(self, row, last, count, to);
        if (saved)
            PyEval_RestoreThread(saved);
    }
    if (to != few)
        free(to);
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "gather takes writable arrays of the size of the batch's columns");
        return NULL;
    }
    Py_RETURN_NONE;
}

static double reward_of(const Rows *self, int64_t row)
{
    const char *from = self->reward->data + row * self->stride;
    float narrow;
    double wide;
    if (self->reward->type == NPY_DOUBLE) {
        memcpy(&wide, from, sizeof wide); /* aligned or not */
        return wide;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

/* The steps are the outer loop, so that the rows' cache misses overlap. */
static void follow_rows(const Rows *self, const int32_t *follower, int64_t count, int64_t *last, double *total,
                        double *discount)
{
    for (int64_t i = 0; i < count; i++) {
        PREFETCH(follower + last[i]);
        total[i] = reward_of(self, last[i]);
        discount[i] = self->gamma;
    }
    int64_t going = count;
    for (int64_t step = 1; step < self->steps && going; step++) {
        going = 0;
        for (int64_t i = 0; i < count; i++) {
            ptrdiff_t at = last[i] * self->stride;
            int64_t following = follower[last[i]];
            if (following < 0 || self->terminated->data[at] || self->truncated->data[at])
                continue; /* and in every later step */
            last[i] = following;
            total[i] += discount[i] * reward_of(self, following);
            discount[i] *= self->gamma;
            PREFETCH(follower + following);
            going++;
        }
    }
}

/* (indices, follower): (last rows, sums of rewards, gamma^steps), as amper.replay_nstep.followed gives them. */
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
    ROWS_METHOD(follow, METH_FASTCALL), {NULL, NULL, 0, NULL},
};

static PyTypeObject rows_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper._core.Rows",
    .tp_basicsize = sizeof(Rows),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = rows_new,
    .tp_dealloc = (destructor)rows_dealloc,
    .tp_methods = rows_methods,
};

#endif
