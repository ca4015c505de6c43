/* amper.cores._core.Planes: planes.h for Python, one thread at a time. */
#include "types.h"

#include "../planes.h"

typedef struct {
    PyObject_HEAD
    Planes p;
} PlanesObject;

static void planes_object_dealloc(PlanesObject *self)
{
    planes_free(&self->p);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Planes(rows, width, place_width, stratified) */
static PyObject *planes_object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    long long rows;
    int width, place_width, stratified;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "Liip", &rows, &width, &place_width, &stratified))
        return NULL;
    if (rows < 1 || rows > 1 << 28 || width < 1 || width > PLANES_WIDTH || place_width < 1 || place_width > 64)
        return PyErr_Format(PyExc_ValueError, "rows, width and place_width must be 1 to 2^28, 1 to %d and 1 to 64, not %lld, "
                            "%d and %d", PLANES_WIDTH, rows, width, place_width);
    PlanesObject *self = (PlanesObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->p.rows = rows;
    self->p.width = width;
    self->p.place_width = place_width;
    self->p.stratified = stratified;
    if (planes_new(&self->p)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* write(rows, codes): in this order; code 0 makes a row invalid. */
static PyObject *planes_object_write(PlanesObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    const int64_t *row, *code;
    int64_t count = rows_and_codes(args, nargs, self->p.rows, self->p.width, &row, &code);
    if (count < 0)
        return NULL;
    planes_write(&self->p, row, code, count);
    Py_RETURN_NONE;
}

/* sample(batch) -> rows */
static PyObject *planes_object_sample(PlanesObject *self, PyObject *batch)
{
    npy_intp size = PyLong_AsSsize_t(batch);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 1 || self->p.held == 0 || (self->p.stratified && size > PLANES_BATCH))
        return PyErr_Format(PyExc_ValueError, "sample needs a valid row and a batch of at least 1, and of at most %d where it "
                            "is stratified", PLANES_BATCH);
    PyObject *rows = PyArray_EMPTY(1, &size, NPY_INT64, 0);
    if (rows != NULL)
        planes_sample(&self->p, size, PyArray_DATA((PyArrayObject *)rows));
    return rows;
}

/* total() -> T */
static PyObject *planes_object_total(PlanesObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(planes_total(&self->p));
}

/* state() -> s0 and s1 of the draw stream */
static PyObject *planes_object_state(PlanesObject *self, PyObject *unused)
{
    (void)unused;
    return Py_BuildValue("KK", (unsigned long long)self->p.draw.s0, (unsigned long long)self->p.draw.s1);
}

/* set_state: what `state` gave. */
static PyObject *planes_object_set_state(PlanesObject *self, PyObject *args)
{
    unsigned long long s0, s1;
    if (!PyArg_ParseTuple(args, "KK", &s0, &s1))
        return NULL;
    self->p.draw = (Stream){s0, s1};
    Py_RETURN_NONE;
}

static PyObject *planes_object_clear(PlanesObject *self, PyObject *unused)
{
    (void)unused;
    planes_clear(&self->p);
    Py_RETURN_NONE;
}

#define PLANES_METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))planes_object_##name, flags, NULL}

static PyMethodDef planes_methods[] = {
    PLANES_METHOD(write, METH_FASTCALL),     PLANES_METHOD(sample, METH_O),      PLANES_METHOD(total, METH_NOARGS),
    PLANES_METHOD(set_state, METH_VARARGS),  PLANES_METHOD(state, METH_NOARGS),  PLANES_METHOD(clear, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

PyTypeObject planes_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.Planes",
    .tp_basicsize = sizeof(PlanesObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = planes_object_new,
    .tp_dealloc = (destructor)planes_object_dealloc,
    .tp_methods = planes_methods,
};
