#include "column.h"

#include <math.h>

int column_set(Column *column, PyObject *name, PyObject *view, int from_last)
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

/* Whether it is a contiguous array of the column's type and of a shape that goes on, after `lead`, as a row does. Types
 * with parameters (strings, times) are NumPy's to compare. */
static int fits(const Column *column, PyArrayObject *array, int lead)
{
    int dimensions = PyArray_NDIM(column->view) - 1;
    return PyArray_TYPE(array) == column->type && column->plain && PyArray_NDIM(array) == dimensions + lead
           && PyArray_CompareLists(PyArray_DIMS(array) + lead, PyArray_DIMS(column->view) + 1, dimensions)
           && PyArray_ISCARRAY_RO(array);
}

int values_of(const Column *column, PyObject *object, int64_t count, Value *value)
{
    PyArrayObject *array = (PyArrayObject *)object;
    if (!PyArray_Check(object) || !fits(column, array, 1) || PyArray_DIM(array, 0) != count)
        return 0;
    value->from = PyArray_DATA(array);
    return 1;
}

int value_of(const Column *column, PyObject *object, Value *value)
{
    if (PyArray_Check(object)) {
        value->from = PyArray_DATA((PyArrayObject *)object);
        return fits(column, (PyArrayObject *)object, 0);
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
