/* amper.cores._core.Planes and CodeTree: planes.h and code_tree.h for Python, one thread at a time. */
#include "types.h"

#include "../code_tree.h"
#include "../planes.h"

#define ROWS_MOST (1 << 28)

typedef struct {
    PyObject_HEAD
    union {
        Places places; /* which both begin with */
        Planes planes;
        CodeTree tree;
    } u;
} PlacesObject;

#define IN_ORDER(self) (Py_TYPE(self) == &code_tree_type)

static void places_object_dealloc(PlacesObject *self)
{
    IN_ORDER(self) ? code_tree_free(&self->u.tree) : planes_free(&self->u.planes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Planes(rows, width, place_width, stratified), CodeTree likewise */
static PyObject *places_object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    long long rows;
    int width, place_width, stratified;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "Liip", &rows, &width, &place_width, &stratified))
        return NULL;
    if (rows < 1 || rows > ROWS_MOST || width < 1 || width > CODE_WIDTH || place_width < 1 || place_width > 64)
        return PyErr_Format(PyExc_ValueError, "rows, width and place_width must be 1 to 2^28, 1 to %d and 1 to 64, not %lld, "
                            "%d and %d", CODE_WIDTH, rows, width, place_width);
    PlacesObject *self = (PlacesObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->u.places.rows = rows;
    self->u.places.width = width;
    self->u.places.place_width = place_width;
    self->u.places.stratified = stratified;
    if (IN_ORDER(self) ? code_tree_new(&self->u.tree) : planes_new(&self->u.planes)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* write(rows, codes): in this order; code 0 makes a row invalid. */
static PyObject *places_object_write(PlacesObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    const int64_t *row, *code;
    int64_t count = rows_and_codes(args, nargs, self->u.places.rows, self->u.places.width, &row, &code);
    if (count < 0)
        return NULL;
    if (IN_ORDER(self))
        code_tree_write(&self->u.tree, row, code, count);
    else
        planes_write(&self->u.planes, row, code, count);
    Py_RETURN_NONE;
}

/* sample(batch) -> rows */
static PyObject *places_object_sample(PlacesObject *self, PyObject *batch)
{
    npy_intp size = PyLong_AsSsize_t(batch);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    if (size < 1 || self->u.places.held == 0 || (self->u.places.stratified && size > PLACES_BATCH))
        return PyErr_Format(PyExc_ValueError, "sample needs a valid row and a batch of at least 1, and of at most %d where it "
                            "is stratified", PLACES_BATCH);
    PyObject *rows = PyArray_EMPTY(1, &size, NPY_INT64, 0);
    if (rows == NULL)
        return NULL;
    if (IN_ORDER(self))
        code_tree_sample(&self->u.tree, size, PyArray_DATA((PyArrayObject *)rows));
    else
        planes_sample(&self->u.planes, size, PyArray_DATA((PyArrayObject *)rows));
    return rows;
}

/* total() -> T */
static PyObject *places_object_total(PlacesObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(IN_ORDER(self) ? code_tree_total(&self->u.tree) : planes_total(&self->u.planes));
}

/* state() -> s0 and s1 of the draw stream */
static PyObject *places_object_state(PlacesObject *self, PyObject *unused)
{
    const Stream *draw = &self->u.places.draw;
    (void)unused;
    return Py_BuildValue("KK", (unsigned long long)draw->s0, (unsigned long long)draw->s1);
}

/* set_state: what `state` gave. */
static PyObject *places_object_set_state(PlacesObject *self, PyObject *args)
{
    unsigned long long s0, s1;
    if (!PyArg_ParseTuple(args, "KK", &s0, &s1))
        return NULL;
    self->u.places.draw = (Stream){s0, s1};
    Py_RETURN_NONE;
}

static PyObject *places_object_clear(PlacesObject *self, PyObject *unused)
{
    (void)unused;
    IN_ORDER(self) ? code_tree_clear(&self->u.tree) : planes_clear(&self->u.planes);
    Py_RETURN_NONE;
}

#define PLACES_METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))places_object_##name, flags, NULL}

static PyMethodDef places_methods[] = {
    PLACES_METHOD(write, METH_FASTCALL),     PLACES_METHOD(sample, METH_O),      PLACES_METHOD(total, METH_NOARGS),
    PLACES_METHOD(set_state, METH_VARARGS),  PLACES_METHOD(state, METH_NOARGS),  PLACES_METHOD(clear, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

#define PLACES_TYPE(name) \
    { \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core." name, \
        .tp_basicsize = sizeof(PlacesObject), \
        .tp_flags = Py_TPFLAGS_DEFAULT, \
        .tp_new = places_object_new, \
        .tp_dealloc = (destructor)places_object_dealloc, \
        .tp_methods = places_methods, \
    }

PyTypeObject planes_type = PLACES_TYPE("Planes");
PyTypeObject code_tree_type = PLACES_TYPE("CodeTree");
