#include "sampler.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "memory.h"
#include "power.h"

void sampler_free(Sampler *s)
{
    tree_free(&s->tree);
    index_free(&s->index);
    free(s->query.interval);
    free(s->cover);
    free(s->miss_of);
    free(s->value);
    free(s->number);
    free(s->code);
    free(s->row);
    free(s->weighed);
    free(s->list);
    free(s->span);
}

/* Whether rows have codes: to draw by, or only for a quantile. */
INLINE int has_index(const Sampler *s)
{
    return s->mode >= AMPER || s->initial_kind == QUANTILE;
}

int sampler_new(Sampler *s)
{
    if (s->mode < AMPER)
        return tree_new(&s->tree, s->rows, s->mode == UNIFORM, s->initial_kind == LARGEST)
               || (has_index(s) && index_new(&s->index, s->rows))
                   ? -1
                   : 0;
    s->query.variant = s->mode - AMPER;
    s->aligned = s->query.variant == FR_DITHERED || s->query.variant == FR_PREFIX;
    s->query.interval = calloc((size_t)s->query.groups + 1, sizeof(Interval));
    s->span = calloc((size_t)s->query.groups + 1, sizeof(Interval));
    s->miss_of = calloc((size_t)s->query.groups, sizeof(double));
    if (s->query.interval == NULL || s->span == NULL || s->miss_of == NULL)
        return -1;
    if (s->own_weights && s->query.variant == NEAREST) {
        s->cover = calloc(1, sizeof(Cover));
        if (s->cover == NULL)
            return -1;
        s->cover->weight = 1.0;
    }
    return index_new(&s->index, s->rows);
}

/* Room for writing `count` values. */
static int reserve_values(Sampler *s, int64_t count)
{
    int64_t room = s->value_room;
    if (make_room((void **)&s->value, &room, count, sizeof(float)))
        return -1;
    room = s->value_room;
    if (make_room((void **)&s->code, &room, count, sizeof(uint32_t)))
        return -1;
    return make_room((void **)&s->number, &s->value_room, count, sizeof(double));
}

/* What is stored of a priority: a float32 in [2^-126, 2^127]. */
INLINE float stored(double priority)
{
    priority = priority < 0x1p-126 ? 0x1p-126 : priority;
    return (float)(priority > 0x1p127 ? 0x1p127 : priority);
}

/* Code of what is stored. `aligned`: if Vmax were a power of two, every block around a V below it would end just below
 * Vmax, and the rows at Vmax, all new ones, would never be drawn: so the code below takes its place. */
INLINE uint32_t stored_code(float value, int aligned)
{
    uint32_t code = code_of(value);
    return code - (aligned && code % 256 == 0 && code > CODE_FIRST);
}

/* The codes of s->value and their pages; after this no write can fail. -1 without memory. */
FOR_EACH_CPU
static int reserve_codes(Sampler *s, int64_t count)
{
    const float *value = s->value;
    uint32_t *code = s->code;
    int aligned = s->aligned;
    for (int64_t i = 0; i < count; i++)
        code[i] = stored_code(value[i], aligned);
    for (int64_t i = 0; i < count; i++)
        if (index_reserve(&s->index, code[i]))
            return -1;
    return 0;
}

static int holds(const Sampler *s, int64_t row)
{
    return s->mode < AMPER ? s->tree.priority[row] > 0.0f : s->index.code[row] != 0;
}

static int rows_are_legal(const Sampler *s, const int64_t *row, int64_t count, int must_hold)
{
    for (int64_t i = 0; i < count; i++)
        if ((uint64_t)row[i] >= (uint64_t)s->rows || (must_hold && !holds(s, row[i])))
            return 0;
    return 1;
}

/* What is stored of numbers; 0 unless all are finite and at least `least`. */
FOR_EACH_CPU
static int store_numbers(const double *number, float *value, int64_t count, double least)
{
    int legal = 1;
    for (int64_t i = 0; i < count; i++)
        legal &= number[i] >= least && number[i] <= DBL_MAX;
    for (int64_t i = 0; i < count; i++)
        value[i] = stored(number[i]);
    return legal;
}

/* Write s->value, whose codes and pages are there, into rows. */
static void write_values(Sampler *s, const int64_t *row, int64_t count)
{
    float largest = 0.0f;
    for (int64_t i = 0; i < count; i++) {
        largest = s->value[i] > largest ? s->value[i] : largest;
        s->used = row[i] >= s->used ? row[i] + 1 : s->used;
    }
    if (has_index(s)) {
        index_write(&s->index, row, s->code, count);
        s->count = s->index.held;
    }
    if (s->mode < AMPER) {
        tree_write(&s->tree, row, s->value, count, largest, s->used);
        s->count = s->tree.held;
    }
    s->maximum = (double)largest > s->maximum ? (double)largest : s->maximum;
}

int sampler_write(Sampler *s, const int64_t *row, const double *wide, const float *narrow, int64_t count, int flags)
{
    if (reserve_values(s, count))
        return -1;
    if (wide)
        memcpy(s->number, wide, (size_t)count * sizeof(double));
    else
        for (int64_t i = 0; i < count; i++)
            s->number[i] = narrow[i];
    if (!rows_are_legal(s, row, count, flags & MUST_HOLD)
        || !store_numbers(s->number, s->value, count, flags & ERRORS ? -DBL_MAX : 0.0))
        return 0;
    if (flags & ERRORS) {
        exponentiate(s->number, count, s->eps, s->alpha);
        store_numbers(s->number, s->value, count, 0.0);
    }
    if (has_index(s) && reserve_codes(s, count))
        return -1;
    write_values(s, row, count);
    return 1;
}

double sampler_initial(Sampler *s)
{
    if (s->initial_kind == NUMBER)
        return s->initial;
    if (s->initial_kind == LARGEST_EVER)
        return s->maximum > 0.0 ? s->maximum : 1.0;
    if (s->count == 0)
        return 1.0;
    if (s->initial_kind == LARGEST && s->mode < AMPER)
        return (double)max_tree_largest(&s->tree.largest, s->tree.priority);
    double last = (double)(s->count - 1);
    return code_value(index_ranked(&s->index, s->initial_kind == LARGEST ? s->count - 1 : (int64_t)(s->initial * last)));
}

int64_t sampler_add(Sampler *s, double priority)
{
    int64_t row = s->cursor;
    if (reserve_values(s, 1))
        return -1;
    s->value[0] = stored(priority);
    if (has_index(s) && reserve_codes(s, 1))
        return -1;
    write_values(s, &row, 1);
    s->cursor = row + 1 == s->rows ? 0 : row + 1;
    return row;
}

int sampler_extend(Sampler *s, const double *priority, int64_t count)
{
    if (reserve_values(s, count) || batch_reserve(s, count))
        return -1;
    if (priority && !store_numbers(priority, s->value, count, 0.0))
        return 0;
    float initial = priority ? 0.0f : stored(sampler_initial(s));
    for (int64_t i = 0, row = s->cursor; i < count; i++) {
        s->row[i] = row;
        row = row + 1 == s->rows ? 0 : row + 1;
        if (!priority)
            s->value[i] = initial;
    }
    if (has_index(s) && reserve_codes(s, count))
        return -1;
    write_values(s, s->row, count);
    s->cursor = (s->cursor + count) % s->rows;
    return 1;
}

int sampler_remove(Sampler *s, const int64_t *row, int64_t count)
{
    if (!rows_are_legal(s, row, count, 1))
        return 0;
    if (has_index(s)) {
        index_remove(&s->index, row, count);
        s->count = s->index.held;
    }
    if (s->mode < AMPER) {
        tree_remove(&s->tree, row, count, s->used);
        s->count = s->tree.held;
    }
    return 1;
}

float sampler_priority(const Sampler *s, int64_t row)
{
    if (s->mode < AMPER)
        return s->tree.priority[row];
    return s->index.code[row] ? (float)code_value(s->index.code[row]) : 0.0f;
}

void sampler_priorities(const Sampler *s, float *priority)
{
    for (int64_t row = 0; row < s->rows; row++)
        priority[row] = sampler_priority(s, row);
}

int64_t sampler_memory(const Sampler *s)
{
    int64_t bytes = (int64_t)sizeof *s;
    if (s->mode < AMPER)
        bytes += s->tree.bytes + s->tree.largest.bytes;
    if (!has_index(s))
        return bytes;
    return bytes + (s->rows + s->rows / BLOCK) * (int64_t)sizeof(uint16_t) + (s->index.pages + 1) * (int64_t)sizeof(Page)
           + (s->cover ? (int64_t)sizeof(Cover) : 0);
}
