/* A column of a replay buffer, and values made fit for it. */
#ifndef AMPER_COLUMN_H
#define AMPER_COLUMN_H

#include "arrays.h"

typedef struct {
    PyObject *name;
    PyArrayObject *view; /* (rows, ...) of the storage, with any alignment */
    char *data;
    size_t bytes; /* of one row of the column */
    int type, plain, scalar, from_last; /* plain: a number or bool, so that the type's number says all */
    PyTypeObject *scalar_type; /* NumPy's */
} Column;

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

/* The column of a name and an array of rows; -1 with an exception if they are something else. */
int column_set(Column *column, PyObject *name, PyObject *view, int from_last);

/* Find the value of a column in `object`; 0 unless it is of the column's very type and shape, or a plain number. */
int value_of(const Column *column, PyObject *object, Value *value);

/* Find `count` values of a column in `object`; 0 unless it is an array of them, of the column's very type. */
int values_of(const Column *column, PyObject *object, int64_t count, Value *value);

#endif
