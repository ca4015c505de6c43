/* What amper.cores._core.Rows stores: transitions with their priorities and links, and new priorities. */
#include <float.h>
#include <stdlib.h>

#include "rows_calls.h"

/* An environment's number, None being that of the only one; -1 if it is none. */
static int64_t env_of(const Rows *self, PyObject *env)
{
    if (env == Py_None)
        return self->links && self->envs > 1 ? -1 : 0;
    int overflow;
    int64_t number = self->links && PyLong_CheckExact(env) ? PyLong_AsLongLongAndOverflow(env, &overflow) : -1;
    return number < self->envs ? number : -1;
}

/* Where the values of all columns are; 0 unless the dictionary has just them, as they are stored. `count` below 0: of one
 * transition. */
static int find_values(const Rows *self, PyObject *transition, int64_t count, Value *value)
{
    if (self->count > COLUMNS_ON_STACK || !PyDict_Check(transition) || PyDict_GET_SIZE(transition) != self->count)
        return 0;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        const Column *column = self->column + i;
        PyObject *object = PyDict_GetItemWithError(transition, column->name);
        if (object == NULL || !(count < 0 ? value_of(column, object, value + i)
                                          : values_of(column, object, count, value + i)))
            return 0;
    }
    return 1;
}

PyObject *store_one(Rows *self, PyObject *of_sampler, const Value *value, PyObject *given, PyObject *env_or_none)
{
    double priority = PyFloat_CheckExact(given) ? PyFloat_AS_DOUBLE(given) : given == Py_None ? 0.0 : -1.0;
    int64_t env = env_of(self, env_or_none);
    if (!is_core(self, of_sampler) || !(priority >= 0.0 && priority <= DBL_MAX) || env < 0)
        Py_RETURN_NONE;
    Core *core = (Core *)of_sampler;
    lock_take(&self->lock);
    if (self->kept.oldest && kept_reserve(&self->kept, 1))
        rows_wait(self, 1);
    lock_take(&core->lock);
    int64_t row = sampler_add(&core->s, given == Py_None ? sampler_initial(&core->s) : priority);
    lock_release(&core->lock);
    int64_t number = self->added;
    if (row >= 0) {
        if (self->links)
            link_row(self, number, env);
        put_rows(self, value, 0, 1);
    }
    lock_release(&self->lock);
    return row < 0 ? PyErr_NoMemory() : PyLong_FromLongLong(number);
}

/* (core, transition, priority, env): store a transition; its number. None, and nothing is done, unless the dictionary,
 * which nobody else has, is of a fitting value for each column, and the rest is as `store_one` takes it. */
PyObject *rows_add(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    Value value[COLUMNS_ON_STACK];
    if (nargs == 4 && find_values(self, args[1], -1, value))
        return store_one(self, args[0], value, args[2], args[3]);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* Store transitions, `rows` at a time, as if they came one by one; 1, or -1 without memory. */
static int extend_rows(Rows *self, Core *core, const Value *value, int64_t count, const double *priority,
                       const int64_t *env)
{
    for (int64_t first = 0; first < count; first += self->rows) {
        int64_t part = count - first < self->rows ? count - first : self->rows;
        lock_take(&core->lock);
        int status = sampler_extend(&core->s, priority ? priority + first : NULL, part);
        lock_release(&core->lock);
        if (status <= 0)
            return -1;
        for (int64_t i = 0; i < part && self->links; i++)
            link_row(self, self->added + i, env ? env[first + i] : (first + i) % self->envs);
        put_rows(self, value, first, part);
    }
    return 1;
}

/* Whether they are `count` environments, or None for each in turn. */
static int are_envs(const Rows *self, PyObject *envs, int64_t count)
{
    if (envs == Py_None)
        return !self->links || count % self->envs == 0;
    if (!self->links || !is_plain(envs, NPY_INT64) || PyArray_SIZE((PyArrayObject *)envs) != count)
        return 0;
    const int64_t *env = PyArray_DATA((PyArrayObject *)envs);
    int legal = 1;
    for (int64_t i = 0; i < count; i++)
        legal &= (uint64_t)env[i] < (uint64_t)self->envs;
    return legal;
}

/* Whether they are `count` legal priorities, or None. */
static int are_priorities(PyObject *priorities, int64_t count)
{
    if (priorities == Py_None)
        return 1;
    if (!is_plain(priorities, NPY_FLOAT64) || PyArray_SIZE((PyArrayObject *)priorities) != count)
        return 0;
    const double *priority = PyArray_DATA((PyArrayObject *)priorities);
    int legal = 1;
    for (int64_t i = 0; i < count; i++)
        legal &= priority[i] >= 0.0 && priority[i] <= DBL_MAX;
    return legal;
}

/* (core, transitions, priorities, envs): store transitions; int64 (k,) their numbers. None, and nothing is done, unless it
 * is a Core of as many rows, a dictionary that nobody else has of an array for each column, and arrays or None. */
PyObject *rows_extend(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    Value value[COLUMNS_ON_STACK];
    PyObject *some = nargs == 4 && PyDict_Check(args[1]) ? PyDict_GetItemWithError(args[1], self->column->name) : NULL;
    npy_intp count = some && PyArray_Check(some) && PyArray_NDIM((PyArrayObject *)some) > 0
                         ? PyArray_DIM((PyArrayObject *)some, 0)
                         : 0;
    if (count < 1 || !is_core(self, args[0]) || !find_values(self, args[1], count, value)
        || !are_priorities(args[2], count) || !are_envs(self, args[3], count)) {
        if (PyErr_Occurred())
            return NULL;
        Py_RETURN_NONE;
    }
    PyObject *numbers = PyArray_EMPTY(1, &count, NPY_INT64, 0);
    if (numbers == NULL)
        return NULL;
    lock_take(&self->lock);
    if (self->kept.oldest && (count > self->rows || kept_reserve(&self->kept, count)))
        rows_wait(self, count > self->rows ? 0 : count);
    int64_t *number = PyArray_DATA((PyArrayObject *)numbers);
    for (int64_t i = 0; i < count; i++)
        number[i] = self->added + i;
    int status = extend_rows(self, (Core *)args[0], value, count,
                             args[2] == Py_None ? NULL : PyArray_DATA((PyArrayObject *)args[2]),
                             args[3] == Py_None ? NULL : PyArray_DATA((PyArrayObject *)args[3]));
    lock_release(&self->lock);
    if (status > 0)
        return numbers;
    Py_DECREF(numbers);
    return PyErr_NoMemory();
}

/* Keep of rows and values those of transitions that are still there; how many, or -1 if one has no transition yet or is
 * not legal, which somebody else will explain. */
static int64_t still_there(const Rows *self, const int64_t *number, const void *value, int wide, int64_t count, int flags,
                           int64_t *row, double *kept)
{
    int64_t there = 0;
    double least = flags & ERRORS ? -DBL_MAX : 0.0;
    for (int64_t i = 0; i < count; i++) {
        double one = wide ? ((const double *)value)[i] : (double)((const float *)value)[i];
        if (number[i] < 0 || number[i] >= self->added || !(one >= least && one <= DBL_MAX))
            return -1;
        kept[there] = one;
        row[there] = number[i] % self->rows;
        there += number[i] >= self->added - self->rows;
    }
    return there;
}

/* Core.write for transitions, under the lock. */
static int write_numbers(Rows *self, Core *core, PyArrayObject *numbers, PyArrayObject *values, int flags, int64_t *row)
{
    const int64_t *number = PyArray_DATA(numbers);
    const void *value = PyArray_DATA(values);
    int wide = PyArray_TYPE(values) == NPY_FLOAT64;
    int64_t count = PyArray_SIZE(numbers);
    if (rows_of_numbers(self, number, count, row))
        return core_store(core, row, wide ? value : NULL, wide ? NULL : value, count, flags);
    double *kept = malloc((size_t)count * sizeof *kept);
    if (kept == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int64_t there = still_there(self, number, value, wide, count, flags, row, kept);
    int status = there < 0 ? ILLEGAL : core_store(core, row, kept, NULL, there, flags);
    if (status == DONE)
        self->dropped += count - there;
    free(kept);
    return status;
}

/* (core, numbers, values, flags): Core.write for transitions, of which those that are not there any more are passed over
 * and counted. False, and nothing is done, unless they are a Core of as many rows, numbers of transitions and what its
 * `write` takes and finds legal. */
PyObject *rows_write(Rows *self, PyObject *const *args, Py_ssize_t nargs)
{
    int64_t few[ROWS_ON_STACK], *row = few;
    if (nargs != 4 || !is_core(self, args[0]) || !is_plain(args[1], NPY_INT64)
        || plain_values(args[2]) != PyArray_SIZE((PyArrayObject *)args[1]))
        Py_RETURN_FALSE;
    long flags = PyLong_AsLong(args[3]);
    int64_t count = PyArray_SIZE((PyArrayObject *)args[1]);
    if (count > ROWS_ON_STACK && (row = malloc((size_t)count * sizeof *row)) == NULL)
        return PyErr_NoMemory();
    lock_take(&self->lock);
    int status = write_numbers(self, (Core *)args[0], (PyArrayObject *)args[1], (PyArrayObject *)args[2], (int)flags, row);
    lock_release(&self->lock);
    if (row != few)
        free(row);
    return status < 0 ? NULL : PyBool_FromLong(status == DONE);
}
