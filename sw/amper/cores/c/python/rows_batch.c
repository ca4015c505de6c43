/* What amper.cores._core.Rows gives: batches, drawn or of given rows. */
#include <stdlib.h>
#include <string.h>

#include "../power.h"
#include "draw.h"
#include "rows_calls.h"

static PyObject *name_of_indices, *name_of_weights, *name_of_discount;

int rows_prepare(void)
{
    name_of_indices = PyUnicode_InternFromString("indices");
    name_of_weights = PyUnicode_InternFromString("weights");
    name_of_discount = PyUnicode_InternFromString("discount");
    return name_of_indices && name_of_weights && name_of_discount ? 0 : -1;
}

PyObject *none_by_name(PyObject *names, int steps)
{
    PyObject *none = PyDict_New();
    for (Py_ssize_t i = 0; none && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(none, PyTuple_GET_ITEM(names, i), Py_None))
            Py_CLEAR(none);
    PyObject *more[] = {name_of_discount, name_of_indices, name_of_weights};
    for (int i = steps ? 0 : 1; none && i < 3; i++)
        if (PyDict_SetItem(none, more[i], Py_None))
            Py_CLEAR(none);
    return none;
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

/* (indices, last, outs): copy the rows of `indices`, or `last`, into the arrays of the tuple `outs`, one a column. */
PyObject *rows_gather(Rows *self, PyObject *const *args, Py_ssize_t nargs)
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
    PyThreadState *saved = batch * self->stride >= LONG_COPY ? PyEval_SaveThread() : NULL;
    gather_rows(self, PyArray_DATA((PyArrayObject *)args[0]), PyArray_DATA((PyArrayObject *)args[1]), batch, to);
    if (saved)
        PyEval_RestoreThread(saved);
    if (to != few)
        free(to);
    Py_RETURN_NONE;
}

/* (indices): (last rows, sums of rewards, gamma^steps), as amper.replay.episodes.nstep.followed gives them. */
PyObject *rows_follow(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 1 || self->steps == 0 || !are_rows(self, args[0])) {
        PyErr_SetString(PyExc_ValueError, "follow takes rows that exist, of a buffer with n-step transitions");
        return NULL;
    }
    npy_intp count = PyArray_SIZE((PyArrayObject *)args[0]);
    PyObject *last = PyArray_EMPTY(1, &count, NPY_INT64, 0), *total = PyArray_EMPTY(1, &count, NPY_FLOAT64, 0),
             *discount = PyArray_EMPTY(1, &count, NPY_FLOAT64, 0);
    if (last && total && discount) {
        const int64_t *row = PyArray_DATA((PyArrayObject *)args[0]);
        fetch_rows(self, row, count);
        memcpy(PyArray_DATA((PyArrayObject *)last), row, (size_t)count * sizeof *row);
        follow_rows(self, count, PyArray_DATA((PyArrayObject *)last), PyArray_DATA((PyArrayObject *)total),
                    PyArray_DATA((PyArrayObject *)discount));
    }
    PyObject *result = last && total && discount ? PyTuple_Pack(3, last, total, discount) : NULL;
    Py_XDECREF(last);
    Py_XDECREF(total);
    Py_XDECREF(discount);
    return result;
}

/* Where a batch goes: a dictionary, and its arrays' memory. */
typedef struct {
    PyObject *batch, *borrowed; /* borrowed: a copy of a caller's dictionary, so that its arrays stay */
    char **to, *few[COLUMNS_ON_STACK]; /* of the columns */
    int64_t *index;
    float *weight, *discount;
} Room;

/* Put a new array under a name of a batch, a row of which has `shape`; its memory, or NULL with an exception. */
static void *new_array(PyObject *batch, PyObject *name, PyArray_Descr *type, npy_intp size, int dimensions,
                       const npy_intp *shape)
{
    npy_intp whole[NPY_MAXDIMS] = {size};
    memcpy(whole + 1, shape, (size_t)dimensions * sizeof *shape);
    Py_INCREF(type); /* which the array takes over */
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, type, dimensions + 1, whole, NULL, NULL, 0, NULL);
    int failed = array == NULL || PyDict_SetItem(batch, name, array);
    Py_XDECREF(array); /* the dictionary keeps it */
    return failed ? NULL : PyArray_DATA((PyArrayObject *)array);
}

/* `new_array` of single numbers. */
static void *new_numbers(PyObject *batch, PyObject *name, int type, npy_intp size)
{
    PyArray_Descr *descr = PyArray_DescrFromType(type);
    void *data = new_array(batch, name, descr, size, 0, NULL);
    Py_DECREF(descr);
    return data;
}

/* A batch with new arrays; -1 with an exception. */
static int new_room(const Rows *self, npy_intp size, Room *room)
{
    PyObject *batch = room->batch = PyDict_Copy(self->none_by_name);
    for (Py_ssize_t i = 0; batch && i < self->count; i++) {
        PyArrayObject *view = self->column[i].view;
        room->to[i] = new_array(batch, self->column[i].name, PyArray_DESCR(view), size, PyArray_NDIM(view) - 1,
                                PyArray_DIMS(view) + 1);
        if (room->to[i] == NULL)
            return -1;
    }
    if (batch == NULL)
        return -1;
    room->discount = self->steps ? new_numbers(batch, name_of_discount, NPY_FLOAT32, size) : NULL;
    room->index = new_numbers(batch, name_of_indices, NPY_INT64, size);
    room->weight = new_numbers(batch, name_of_weights, NPY_FLOAT32, size);
    return room->index && room->weight && (room->discount || !self->steps) ? 0 : -1;
}

/* The memory of a batch's array, if it is just as `new_room` makes it; else NULL, perhaps with an exception. */
static void *data_of(PyObject *batch, PyObject *name, npy_intp size, int type, size_t bytes, int dimensions,
                     const npy_intp *shape)
{
    PyArrayObject *array = (PyArrayObject *)PyDict_GetItemWithError(batch, name);
    return array && PyArray_CheckExact(array) && PyArray_ISCARRAY(array) && PyArray_TYPE(array) == type
                   && PyArray_NDIM(array) == dimensions + 1 && PyArray_DIM(array, 0) == size
                   && PyArray_CompareLists(PyArray_DIMS(array) + 1, shape, dimensions)
                   && (size_t)PyArray_NBYTES(array) == bytes * (size_t)size
               ? PyArray_DATA(array)
               : NULL;
}

/* The batch `out`, to be overwritten; -1, perhaps with an exception, unless it is as `new_room` makes it. */
static int old_room(const Rows *self, PyObject *out, npy_intp size, Room *room)
{
    if (!PyDict_CheckExact(out) || (room->borrowed = PyDict_Copy(out)) == NULL
        || PyDict_GET_SIZE(room->borrowed) != PyDict_GET_SIZE(self->none_by_name))
        return -1;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        const Column *column = self->column + i;
        PyArrayObject *view = column->view;
        if (!column->plain) /* types with parameters are NumPy's to compare */
            return -1;
        room->to[i] = data_of(room->borrowed, column->name, size, column->type, column->bytes, PyArray_NDIM(view) - 1,
                              PyArray_DIMS(view) + 1);
        if (room->to[i] == NULL)
            return -1;
    }
    room->discount =
        self->steps ? data_of(room->borrowed, name_of_discount, size, NPY_FLOAT32, sizeof(float), 0, NULL) : NULL;
    room->index = data_of(room->borrowed, name_of_indices, size, NPY_INT64, sizeof(int64_t), 0, NULL);
    room->weight = data_of(room->borrowed, name_of_weights, size, NPY_FLOAT32, sizeof(float), 0, NULL);
    room->batch = Py_NewRef(out);
    return room->index && room->weight && (room->discount || !self->steps) ? 0 : -1;
}

/* What n-step transitions have of their own: sums of rewards, and gamma^steps. */
static void put_steps(const Rows *self, const Draw *draw, const Room *room)
{
    void *reward = room->to[self->reward - self->column];
    for (int64_t i = 0; i < draw->batch; i++) {
        if (self->reward->type == NPY_DOUBLE)
            ((double *)reward)[i] = draw->total[i];
        else
            ((float *)reward)[i] = (float)draw->total[i];
        room->discount[i] = (float)draw->discount[i];
    }
}

/* Draw a batch that is long or of n-step transitions. */
static int sample_long(Rows *self, Core *core, npy_intp size, double beta, Room *room)
{
    Draw draw;
    if (draw_new(&draw, size, self->steps > 0))
        return -1;
    draw.number = room->index;
    int freely = size > PIECE || size * self->stride >= LONG_COPY;
    PyThreadState *saved = freely ? PyEval_SaveThread() : NULL;
    int status = draw_from_rows(&draw, core, self, room->to, freely);
    if (status > 0) {
        normalised_weights(draw.value, room->weight, size, beta);
        if (self->steps)
            put_steps(self, &draw, room);
    }
    if (saved)
        PyEval_RestoreThread(saved);
    draw_free(&draw);
    return status;
}

/* Draw a batch all under the lock. */
static int sample_short(Rows *self, Core *core, npy_intp size, double beta, Room *room)
{
    lock_take(&self->lock);
    int status = core_draw(core, size, beta, self, room->index, room->weight);
    if (status > 0) {
        gather_rows(self, room->index, room->index, size, room->to);
        number_rows(self, room->index, size);
    }
    lock_release(&self->lock);
    return status;
}

/* (core, batch, beta, out): draw a batch and copy its rows, into new arrays if `out` is None or else over those of this
 * batch. None, and nothing is done, unless they are a Core of as many rows, what its `sample` takes and such a batch, and
 * there is something to draw. */
PyObject *rows_sample(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    npy_intp size;
    double beta;
    Room room = {.to = room.few};
    if (nargs != 4 || !is_core(self, args[0]) || !is_batch(args + 1, &size, &beta))
        Py_RETURN_NONE;
    if (self->count > COLUMNS_ON_STACK && (room.to = malloc((size_t)self->count * sizeof *room.to)) == NULL)
        return PyErr_NoMemory();
    int status = 0;
    if ((args[3] == Py_None ? new_room(self, size, &room) : old_room(self, args[3], size, &room)) == 0) {
        int is_short = !self->steps && size <= PIECE && size * self->stride < LONG_COPY;
        status = (is_short ? sample_short : sample_long)(self, (Core *)args[0], size, beta, &room);
        if (status < 0)
            PyErr_NoMemory();
    }
    if (room.to != room.few)
        free(room.to);
    Py_XDECREF(room.borrowed);
    if (status > 0)
        return room.batch;
    Py_XDECREF(room.batch);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}
