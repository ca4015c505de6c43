/* amper.cores._core.Rows: puts transitions into the rows of a replay buffer, gathers them, and draws batches;
 * amper.replay.rows.NumpyRows is the same in NumPy. It works on the arrays' own memory, and releases the GIL where that
 * pays. It is a context manager that holds the buffer's lock, with no operation of others under way. */
#include "rows_calls.h"

#include <stdlib.h>
#include <time.h>

static void rows_dealloc(Rows *self)
{
    if (self->weak)
        PyObject_ClearWeakRefs((PyObject *)self);
    free(self->column);
    lock_free(&self->lock);
    kept_free(&self->kept);
    Py_XDECREF(self->names);
    Py_XDECREF(self->views);
    Py_XDECREF(self->none_by_name);
    Py_XDECREF(self->links);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* What n-step transitions are made of: (n, gamma, numbers of the columns of rewards and two of ends); -1 with an exception
 * unless they are of the columns and their types. */
static int rows_set_steps(Rows *self, PyObject *steps)
{
    long long n;
    Py_ssize_t reward, end, cut;
    const Column *column = self->column;
    if (!PyArg_ParseTuple(steps, "Ldnnn", &n, &self->gamma, &reward, &end, &cut))
        return -1;
    if (n < 1 || (size_t)reward >= (size_t)self->count || (size_t)end >= (size_t)self->count
        || (size_t)cut >= (size_t)self->count || !column[reward].scalar || column[end].bytes != 1
        || column[cut].bytes != 1 || (column[reward].type != NPY_FLOAT && column[reward].type != NPY_DOUBLE)
        || self->follower == NULL) {
        PyErr_SetString(PyExc_TypeError, "Rows takes the numbers of a column of rewards and two of bytes, and links");
        return -1;
    }
    self->steps = n;
    self->reward = column + reward;
    self->terminated = column + end;
    self->truncated = column + cut;
    return 0;
}

/* (followers, newest, preceding or None); -1 with an exception unless they are arrays of the rows. */
static int rows_set_links(Rows *self, PyObject *links)
{
    PyObject *follower, *newest, *preceding;
    if (!PyArg_ParseTuple(links, "OOO", &follower, &newest, &preceding))
        return -1;
    if (!is_plain(follower, NPY_INT32) || PyArray_SIZE((PyArrayObject *)follower) != self->rows
        || !is_plain(newest, NPY_INT64)
        || (preceding != Py_None
            && (!is_plain(preceding, NPY_INT32) || PyArray_SIZE((PyArrayObject *)preceding) != self->rows))) {
        PyErr_SetString(PyExc_TypeError, "Rows takes arrays of followers, newest and preceding ones");
        return -1;
    }
    self->links = Py_NewRef(links);
    self->follower = PyArray_DATA((PyArrayObject *)follower);
    self->newest = PyArray_DATA((PyArrayObject *)newest);
    self->envs = PyArray_SIZE((PyArrayObject *)newest);
    self->preceding = preceding == Py_None ? NULL : PyArray_DATA((PyArrayObject *)preceding);
    return 0;
}

/* Put in the columns; -1 with an exception. */
static int rows_set_columns(Rows *self, PyObject *names, PyObject *views, PyObject *flags)
{
    self->count = PyTuple_GET_SIZE(names);
    self->column = calloc((size_t)self->count, sizeof(Column));
    if (self->column == NULL || lock_new(&self->lock)) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->count; i++)
        if (column_set(self->column + i, PyTuple_GET_ITEM(names, i), PyTuple_GET_ITEM(views, i),
                       PyTuple_GET_ITEM(flags, i) == Py_True))
            return -1;
    self->rows = PyArray_DIM(self->column->view, 0);
    self->stride = self->kept.bytes = PyArray_STRIDE(self->column->view, 0);
    self->first = self->column->data;
    return 0;
}

/* (names, views, from_last, steps, links): columns, whose rows lie side by side from the first one on, and what
 * `rows_set_steps` and `rows_set_links` take, or None. */
static PyObject *rows_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *names, *views, *flags, *steps, *links;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!O!O!OO", &PyTuple_Type, &names, &PyTuple_Type, &views, &PyTuple_Type, &flags, &steps,
                          &links))
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
    if (rows_set_columns(self, names, views, flags) || (links != Py_None && rows_set_links(self, links))
        || (steps != Py_None && rows_set_steps(self, steps))
        || (self->none_by_name = none_by_name(names, steps != Py_None)) == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Let others in for a moment. With the GIL. */
static void step_aside(const Rows *self)
{
    const struct timespec moment = {0, 20000};
    lock_release(&self->lock);
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&moment, NULL);
    PyThread_acquire_lock(self->lock.lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS
}

void rows_wait(Rows *self, int64_t count)
{
    self->closing++;
    while (self->kept.oldest && (count == 0 || kept_reserve(&self->kept, count)))
        step_aside(self);
    self->closing--;
}

static PyObject *rows___enter__(Rows *self, PyObject *unused)
{
    (void)unused;
    lock_take(&self->lock);
    self->closing++;
    /* The queue last, and without waiting: a reader may stand in it, between two pieces of its batch. */
    while (self->kept.oldest || !lock_take_queue(&self->lock))
        step_aside(self);
    self->closing--;
    Py_RETURN_NONE;
}

static PyObject *rows___exit__(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)args, (void)nargs;
    lock_release_whole(&self->lock);
    Py_RETURN_NONE;
}

#define ROWS_METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))rows_##name, flags, NULL}

static PyMethodDef rows_methods[] = {
    ROWS_METHOD(add, METH_FASTCALL), ROWS_METHOD(extend, METH_FASTCALL), ROWS_METHOD(write, METH_FASTCALL),
    ROWS_METHOD(gather, METH_FASTCALL), ROWS_METHOD(follow, METH_FASTCALL), ROWS_METHOD(sample, METH_FASTCALL),
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
