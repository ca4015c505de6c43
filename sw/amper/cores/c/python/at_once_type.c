/* amper.cores._core.AtOnce: a replay buffer's method `add`, which stores a transition straight from the arguments of the
 * call, without a dictionary of them, where it can, and else calls the method that it was made of. */
#include <stddef.h>

#include "rows_calls.h"
#include "structmember.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *method;  /* the Python function */
    PyObject *members; /* its name, docstring and what else functools.update_wrapper gives */
    PyObject *weak;    /* references */
} AtOnce;

static PyObject *name_of_rows, *name_of_sampler, *name_of_core, *name_of_env, *name_of_priority;

/* The values of all columns, a priority and an environment from named arguments; 0 unless there is just that. Names are
 * interned, in calls as in Rows; most come in the columns' order. */
static int find_arguments(const Rows *rows, PyObject *const *given, PyObject *names, Value *value, PyObject **priority,
                          PyObject **env)
{
    Py_ssize_t columns = 0, count = PyTuple_GET_SIZE(names);
    if (rows->count > COLUMNS_ON_STACK)
        return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        Py_ssize_t at = columns;
        if (name == name_of_priority)
            *priority = given[i];
        else if (name == name_of_env)
            *env = given[i];
        else {
            if (at == rows->count || rows->column[at].name != name)
                for (at = 0; at < rows->count && rows->column[at].name != name; at++)
                    ;
            if (at == rows->count || !value_of(rows->column + at, given[i], value + at))
                return 0;
            columns++;
        }
    }
    return columns == rows->count;
}

/* The index of the transition that was stored; None, and nothing was done, unless all is as the compiled Rows take it. */
static PyObject *add_at_once(PyObject *buffer, PyObject *const *given, PyObject *names)
{
    Value value[COLUMNS_ON_STACK];
    PyObject *priority = Py_None, *env = Py_None, *sampler = NULL, *core = NULL, *number = NULL;
    PyObject *rows = PyObject_GetAttr(buffer, name_of_rows);
    if (rows && Py_IS_TYPE(rows, &rows_type)
        && find_arguments((Rows *)rows, given, names, value, &priority, &env)
        && (sampler = PyObject_GetAttr(buffer, name_of_sampler)) && (core = PyObject_GetAttr(sampler, name_of_core)))
        number = store_one((Rows *)rows, core, value, priority, env);
    else if (!PyErr_Occurred())
        number = Py_NewRef(Py_None);
    Py_XDECREF(rows);
    Py_XDECREF(sampler);
    Py_XDECREF(core);
    return number;
}

static PyObject *at_once_call(PyObject *object, PyObject *const *args, size_t flags, PyObject *names)
{
    AtOnce *self = (AtOnce *)object;
    if (PyVectorcall_NARGS(flags) == 1 && names) {
        PyObject *number = add_at_once(args[0], args + 1, names);
        if (number != Py_None)
            return number;
        Py_DECREF(number);
    }
    return PyObject_Vectorcall(self->method, args, flags, names);
}

static PyObject *at_once_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *method;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O", &method))
        return NULL;
    AtOnce *self = (AtOnce *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->call = at_once_call;
    self->method = Py_NewRef(method);
    return (PyObject *)self;
}

static PyObject *at_once_get(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object == NULL || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

static int at_once_traverse(AtOnce *self, visitproc visit, void *arg)
{
    Py_VISIT(self->method);
    Py_VISIT(self->members);
    return 0;
}

static int at_once_clear(AtOnce *self)
{
    Py_CLEAR(self->method);
    Py_CLEAR(self->members);
    return 0;
}

static void at_once_dealloc(AtOnce *self)
{
    PyObject_GC_UnTrack(self);
    if (self->weak)
        PyObject_ClearWeakRefs((PyObject *)self);
    at_once_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

int at_once_prepare(void)
{
    name_of_rows = PyUnicode_InternFromString("_at_once");
    name_of_sampler = PyUnicode_InternFromString("sampler");
    name_of_core = PyUnicode_InternFromString("core");
    name_of_env = PyUnicode_InternFromString("env");
    name_of_priority = PyUnicode_InternFromString("priority");
    return name_of_rows && name_of_sampler && name_of_core && name_of_env && name_of_priority ? 0 : -1;
}

/* Pickled and copied as a function is: by its name. */
static PyObject *at_once_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyMethodDef at_once_methods[] = {
    {"__reduce__", at_once_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef at_once_members[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject at_once_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "amper.cores._core.AtOnce",
    .tp_basicsize = sizeof(AtOnce),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = at_once_new,
    .tp_dealloc = (destructor)at_once_dealloc,
    .tp_traverse = (traverseproc)at_once_traverse,
    .tp_clear = (inquiry)at_once_clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(AtOnce, call),
    .tp_descr_get = at_once_get,
    .tp_methods = at_once_methods,
    .tp_getset = at_once_members,
    .tp_weaklistoffset = offsetof(AtOnce, weak),
    .tp_dictoffset = offsetof(AtOnce, members),
};
