#include "core_type.h"

#define LONG_OPERATION 2048 /* elements from which releasing the GIL costs less than it gives */

static PyObject *core_unlock(Core *self, PyObject *result)
{
    lock_release(&self->lock);
    return result;
}

static void core_dealloc(Core *self)
{
    if (self->weak)
        PyObject_ClearWeakRefs((PyObject *)self);
    sampler_free(&self->s);
    lock_free(&self->lock);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *core_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"mode", "rows", "groups", "scale", "target", "largest_scale", "own_weights",
                            "key", "alpha", "eps", "initial_kind", "initial", NULL};
    int mode, own_weights, initial_kind;
    long long rows, groups;
    unsigned long long key;
    double scale, target, largest_scale, alpha, eps, initial;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iLLdddiKddid", names, &mode, &rows, &groups, &scale, &target,
                                     &largest_scale, &own_weights, &key, &alpha, &eps, &initial_kind, &initial))
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
    s->initial_kind = initial_kind;
    s->initial = initial;
    if (lock_new(&self->lock) || sampler_new(s)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

int64_t plain_values(PyObject *values)
{
    return is_plain(values, NPY_FLOAT64) || is_plain(values, NPY_FLOAT32) ? PyArray_SIZE((PyArrayObject *)values) : -1;
}

int core_store(Core *self, const int64_t *row, const double *wide, const float *narrow, int64_t count, int flags)
{
    lock_take(&self->lock);
    PyThreadState *saved = count >= LONG_OPERATION ? PyEval_SaveThread() : NULL;
    int done = sampler_write(&self->s, row, wide, narrow, count, flags);
    if (saved)
        PyEval_RestoreThread(saved);
    lock_release(&self->lock);
    if (done < 0)
        PyErr_NoMemory();
    return done < 0 ? -1 : done ? DONE : ILLEGAL;
}

static PyObject *core_write(Core *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "write takes indices, values and flags");
        return NULL;
    }
    if (!is_plain(args[0], NPY_INT64) || plain_values(args[1]) != PyArray_SIZE((PyArrayObject *)args[0]))
        return PyLong_FromLong(NOT_PLAIN);
    long flags = PyLong_AsLong(args[2]);
    PyArrayObject *values = (PyArrayObject *)args[1];
    int wide = PyArray_TYPE(values) == NPY_FLOAT64;
    int status = core_store(self, PyArray_DATA((PyArrayObject *)args[0]), wide ? PyArray_DATA(values) : NULL,
                            wide ? NULL : PyArray_DATA(values), PyArray_SIZE(values), (int)flags);
    return status < 0 ? NULL : PyLong_FromLong(status);
}

/* The row that the priority (None: what a new row gets) was stored in, or None if it is not legal. */
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
    lock_take(&self->lock);
    Sampler *s = &self->s;
    int64_t row = sampler_add(s, given ? value : sampler_initial(s));
    return core_unlock(self, row < 0 ? PyErr_NoMemory() : PyLong_FromLongLong(row));
}

static PyObject *core_remove(Core *self, PyObject *indices)
{
    if (!is_plain(indices, NPY_INT64))
        return PyLong_FromLong(NOT_PLAIN);
    int64_t count = PyArray_SIZE((PyArrayObject *)indices);
    const int64_t *row = PyArray_DATA((PyArrayObject *)indices);
    lock_take(&self->lock);
    return core_unlock(self, PyLong_FromLong(sampler_remove(&self->s, row, count) ? DONE : ILLEGAL));
}

/* float32 (rows,): what is stored, 0 where nothing is held. */
static PyObject *core_priorities(Core *self, PyObject *unused)
{
    (void)unused;
    npy_intp size = self->s.rows;
    PyObject *array = PyArray_EMPTY(1, &size, NPY_FLOAT32, 0);
    if (array == NULL)
        return NULL;
    lock_take(&self->lock);
    sampler_priorities(&self->s, PyArray_DATA((PyArrayObject *)array));
    return core_unlock(self, array);
}

/* float32 (b,): what is stored in these rows; None unless they are a plain array of rows. */
static PyObject *core_priorities_of(Core *self, PyObject *indices)
{
    const Sampler *s = &self->s;
    if (!is_plain(indices, NPY_INT64))
        Py_RETURN_NONE;
    npy_intp count = PyArray_SIZE((PyArrayObject *)indices);
    const int64_t *row = PyArray_DATA((PyArrayObject *)indices);
    for (npy_intp i = 0; i < count; i++)
        if ((uint64_t)row[i] >= (uint64_t)s->rows)
            Py_RETURN_NONE;
    PyObject *array = PyArray_EMPTY(1, &count, NPY_FLOAT32, 0);
    if (array == NULL)
        return NULL;
    float *priority = PyArray_DATA((PyArrayObject *)array);
    lock_take(&self->lock);
    for (npy_intp i = 0; i < count; i++)
        priority[i] = sampler_priority(s, row[i]);
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
    lock_take(&self->lock);
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
    lock_take(&self->lock);
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
    lock_take(&self->lock);
    if (self->s.mode == PER)
        tree_restore_shift(&self->s.tree, value, self->s.used);
    return core_unlock(self, Py_NewRef(Py_None));
}

/* A context manager holds the lock, with no operation under way: for a fork. */
static PyObject *core___enter__(Core *self, PyObject *unused)
{
    (void)unused;
    lock_take_whole(&self->lock);
    Py_RETURN_NONE;
}

static PyObject *core___exit__(Core *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)args, (void)nargs;
    lock_release_whole(&self->lock);
    Py_RETURN_NONE;
}

#define METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))core_##name, flags, NULL}

static PyMethodDef core_methods[] = {
    METHOD(write, METH_FASTCALL),    METHOD(add, METH_O),          METHOD(remove, METH_O),
    METHOD(sample, METH_FASTCALL),   METHOD(priorities, METH_NOARGS), METHOD(priorities_of, METH_O), METHOD(extra, METH_NOARGS),
    METHOD(cover, METH_NOARGS),      METHOD(set_cover, METH_O),    METHOD(memory, METH_NOARGS),
    METHOD(set_shift, METH_O),       METHOD(__enter__, METH_NOARGS), METHOD(__exit__, METH_FASTCALL),
    {NULL, NULL, 0, NULL},
};

/* What a new row gets now. */
static PyObject *core_initial(Core *self, void *unused)
{
    (void)unused;
    lock_take(&self->lock);
    return core_unlock(self, PyFloat_FromDouble(sampler_initial(&self->s)));
}

/* The sum of the priorities that rows are drawn by; of uniform draws, their number; 0 of modes that have no such sum. */
static PyObject *core_total(Core *self, void *unused)
{
    (void)unused;
    lock_take(&self->lock);
    const SumTree *tree = &self->s.tree;
    return core_unlock(self, PyFloat_FromDouble(self->s.mode < AMPER ? (double)tree->total / tree->factor : 0.0));
}

static PyGetSetDef core_attributes[] = {
    {"total", (getter)core_total, NULL, NULL, NULL},
    {"initial", (getter)core_initial, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
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

PyTypeObject core_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.Core",
    .tp_basicsize = sizeof(Core),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = core_new,
    .tp_dealloc = (destructor)core_dealloc,
    .tp_weaklistoffset = offsetof(Core, weak),
    .tp_methods = core_methods,
    .tp_members = core_members,
    .tp_getset = core_attributes,
};
