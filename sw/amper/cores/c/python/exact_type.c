/* amper.cores._core.Exact: exact.c for Python; `amper.backends.candidates` uses it, one thread at a time. */
#include "exact_store.h"
#include "types.h"

#include "../exact.h"
#include "../power.h"

#define LONG_PASS 65536 /* rows from which a batch releases the GIL */

typedef struct {
    PyObject_HEAD
    Exact e;
} ExactObject;

static void exact_object_dealloc(ExactObject *self)
{
    exact_free(&self->e);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Exact(rows, width) */
static PyObject *exact_object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    long long rows;
    int width;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "Li", &rows, &width))
        return NULL;
    if (rows < 1 || rows > 1 << 28 || width < 1 || width > EXACT_WIDTH)
        return PyErr_Format(PyExc_ValueError, "rows and width must be 1 to 2^28 and 1 to 16, not %lld and %d", rows, width);
    ExactObject *self = (ExactObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->e.rows = rows;
    self->e.width = width;
    if (exact_new(&self->e)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* write(rows, codes): in this order; code 0 makes a row invalid. */
static PyObject *exact_object_write(ExactObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    const int64_t *row, *code;
    int64_t count = rows_and_codes(args, nargs, self->e.rows, self->e.width, &row, &code);
    if (count < 0)
        return NULL;
    exact_write(&self->e, row, code, count);
    Py_RETURN_NONE;
}

/* sample(batch) -> (rows, |CSP|) */
static PyObject *exact_object_sample(ExactObject *self, PyObject *batch)
{
    npy_intp size = PyLong_AsSsize_t(batch);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 1 || self->e.held == 0 || self->e.groups == 0) {
        PyErr_SetString(PyExc_ValueError, "sample needs a batch of at least 1, a valid row, and configure before it");
        return NULL;
    }
    PyObject *rows = PyArray_EMPTY(1, &size, NPY_INT64, 0);
    if (rows == NULL)
        return NULL;
    PyThreadState *saved = self->e.used >= LONG_PASS ? PyEval_SaveThread() : NULL;
    int64_t csp_size = exact_sample(&self->e, size, PyArray_DATA((PyArrayObject *)rows));
    if (saved)
        PyEval_RestoreThread(saved);
    return Py_BuildValue("NL", rows, (long long)csp_size);
}

/* configure(variant, groups, fraction_width, reciprocal_shift, reciprocal, radius, neighbours): as `amper.model.settings` has
 * them. */
static PyObject *exact_object_configure(ExactObject *self, PyObject *args)
{
    int variant, groups, fraction_width, reciprocal_shift;
    unsigned long long reciprocal, radius, neighbours;
    if (!PyArg_ParseTuple(args, "iiiiKKK", &variant, &groups, &fraction_width, &reciprocal_shift, &reciprocal, &radius,
                          &neighbours))
        return NULL;
    if (groups < 1 || groups > EXACT_GROUPS || fraction_width < 1 || fraction_width > 24 || reciprocal_shift > 32)
        return PyErr_Format(PyExc_ValueError, "groups, fraction_width and reciprocal_shift must be 1 to 256, 1 to 24 and "
                            "at most 32, not %d, %d and %d", groups, fraction_width, reciprocal_shift);
    Exact *e = &self->e;
    e->variant = variant;
    e->groups = groups;
    e->fraction_width = fraction_width;
    e->reciprocal_shift = reciprocal_shift;
    e->reciprocal = reciprocal;
    e->radius = radius;
    e->neighbours = neighbours;
    Py_RETURN_NONE;
}

/* states() -> s0 and s1 of the query stream, s0 and s1 of the draw stream */
static PyObject *exact_object_states(ExactObject *self, PyObject *unused)
{
    (void)unused;
    return Py_BuildValue("KKKK", (unsigned long long)self->e.query.s0, (unsigned long long)self->e.query.s1,
                         (unsigned long long)self->e.draw.s0, (unsigned long long)self->e.draw.s1);
}

/* set_states: what `states` gave. */
static PyObject *exact_object_set_states(ExactObject *self, PyObject *args)
{
    unsigned long long word[4];
    if (!PyArg_ParseTuple(args, "KKKK", word, word + 1, word + 2, word + 3))
        return NULL;
    self->e.query = (Stream){word[0], word[1]};
    self->e.draw = (Stream){word[2], word[3]};
    Py_RETURN_NONE;
}

static PyObject *exact_object_clear(ExactObject *self, PyObject *unused)
{
    (void)unused;
    exact_clear(&self->e);
    Py_RETURN_NONE;
}

/* weights(values, beta) -> float32 (least value / value)^beta; float64 values above 0. */
static PyObject *exact_object_weights(PyObject *unused, PyObject *const *args, Py_ssize_t nargs)
{
    (void)unused;
    if (nargs != 2 || !is_plain(args[0], NPY_FLOAT64) || !PyFloat_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "weights takes a contiguous float64 array and a float");
        return NULL;
    }
    npy_intp size = PyArray_SIZE((PyArrayObject *)args[0]);
    PyObject *weights = PyArray_EMPTY(1, &size, NPY_FLOAT32, 0);
    if (weights != NULL && size > 0)
        normalised_weights(PyArray_DATA((PyArrayObject *)args[0]), PyArray_DATA((PyArrayObject *)weights), size,
                           PyFloat_AS_DOUBLE(args[1]));
    return weights;
}

#define EXACT_METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))exact_object_##name, flags, NULL}

static PyMethodDef exact_methods[] = {
    EXACT_METHOD(write, METH_FASTCALL),    EXACT_METHOD(sample, METH_O),
    EXACT_METHOD(configure, METH_VARARGS), EXACT_METHOD(states, METH_NOARGS),
    EXACT_METHOD(set_states, METH_VARARGS), EXACT_METHOD(clear, METH_NOARGS),
    EXACT_METHOD(weights, METH_FASTCALL | METH_STATIC),
    EXACT_METHOD(coded, METH_FASTCALL | METH_STATIC),
    EXACT_METHOD(kept, METH_FASTCALL | METH_STATIC), {NULL, NULL, 0, NULL},
};

PyTypeObject exact_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.Exact",
    .tp_basicsize = sizeof(ExactObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = exact_object_new,
    .tp_dealloc = (destructor)exact_object_dealloc,
    .tp_methods = exact_methods,
};
