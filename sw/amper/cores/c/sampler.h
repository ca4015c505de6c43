/* The whole state of a sampler, and its operations on checked input; no Python in here. */
#ifndef AMPER_SAMPLER_H
#define AMPER_SAMPLER_H

#include "draws.h"
#include "power.h"
#include "sum_tree.h"

#define PREFETCH_DISTANCE 16 /* rows of a write */

enum Mode { UNIFORM, PER, AMPER }; /* AMPER + a Variant */

typedef struct {
    int mode, own_weights;
    int aligned; /* match sets are aligned blocks: no code is a power of two */
    int64_t rows;
    int64_t used, count, cursor; /* rows below which all held ones lie; that hold a priority; that comes next */
    double maximum;              /* the largest priority so far, 0 before the first */
    double alpha, eps;
    uint64_t key, counter; /* of the random words */
    uint64_t batches;
    double scale, target, largest_scale, share; /* target 0: fixed scale; share of the latest batch */
    SumTree tree;
    CodeIndex index;
    Query query;
    Cover *cover;
    double *miss_of;
    float *value; /* scratch of writes */
    double *number;
    uint32_t *code;
    int64_t value_room;
    int64_t *row; /* scratch of draws */
    double *weighed;
    int64_t row_room;
    uint32_t *list;
    int64_t list_room;
    Interval *span;
} Sampler;

static void sampler_free(Sampler *s)
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

static int sampler_new(Sampler *s)
{
    if (s->mode < AMPER)
        return tree_new(&s->tree, s->rows, s->mode == UNIFORM);
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

/* Make a scratch array hold `count` elements. */
static int make_room(void **array, int64_t *room, int64_t count, size_t size)
{
    if (count <= *room)
        return 0;
    void *larger = realloc(*array, (size_t)count * size);
    if (larger == NULL)
        return -1;
    *array = larger;
    *room = count;
    return 0;
}

/* Room for writing `count` values. */
static int sampler_reserve_values(Sampler *s, int64_t count)
{
    int64_t room = s->value_room;
    if (make_room((void **)&s->value, &room, count, sizeof(float)))
        return -1;
    room = s->value_room;
    if (make_room((void **)&s->code, &room, count, sizeof(uint32_t)))
        return -1;
    return make_room((void **)&s->number, &s->value_room, count, sizeof(double));
}

/* Room for `count` draws. */
static int sampler_reserve(Sampler *s, int64_t count)
{
    int64_t room = s->row_room;
    if (make_room((void **)&s->row, &room, count + TRIES, sizeof(int64_t)))
        return -1;
    room = s->row_room;
    if (make_room((void **)&s->weighed, &room, count + TRIES, sizeof(double)))
        return -1;
    s->row_room = room;
    return 0;
}

INLINE int sampler_holds(const Sampler *s, int64_t row)
{
    return s->mode < AMPER ? s->tree.priority[row] > 0.0f : s->index.code[row] != 0;
}

/* What is stored of a priority: a float32 in [2^-126, 2^127]. */
INLINE float stored(double priority)
{
    priority = priority < 0x1p-126 ? 0x1p-126 : priority;
    return (float)(priority > 0x1p127 ? 0x1p127 : priority);
}

/* (|error| + eps)^alpha */
INLINE double exponentiated(double error, double eps, double alpha)
{
    double magnitude = (error < 0.0 ? -error : error) + eps;
    return magnitude < 0x1p-1022 ? 0.0 : exp2_of(alpha * log2_of(magnitude));
}

/* Code of what is stored. If Vmax were a power of two, every block around a V below it would end just below Vmax, and
 * the rows at Vmax, all new ones, would never be drawn: so the code below takes its place. */
INLINE uint32_t sampler_code(const Sampler *s, float value)
{
    uint32_t code = code_of(value);
    return code - (s->aligned && code % 256 == 0 && code > CODE_FIRST);
}

/* The values' codes and their pages; after this no write can fail. */
static int sampler_reserve_codes(Sampler *s, const float *value, int64_t count)
{
    for (int64_t i = 0; i < count && s->mode >= AMPER; i++) {
        s->code[i] = sampler_code(s, value[i]);
        if (index_reserve(&s->index, s->code[i]))
            return -1;
    }
    return 0;
}

/* Fetch what a write of the row will touch. */
INLINE void prefetch_row(const Sampler *s, int64_t row)
{
    PREFETCH(s->tree.priority + row);
    const int64_t *node = s->tree.level[0] + (row >> (LEAF_LOG2 + 4) << 4);
    PREFETCH(node);
    PREFETCH(node + 8);
}

FOR_EACH_CPU
static void tree_write(Sampler *s, const int64_t *row, const float *value, int64_t count, double largest)
{
    int rebuild = s->mode == PER && tree_would_overflow(&s->tree, count, largest);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = row[i];
        if (i + PREFETCH_DISTANCE < count)
            prefetch_row(s, row[i + PREFETCH_DISTANCE]);
        s->count += !sampler_holds(s, at);
        if (rebuild)
            s->tree.priority[at] = value[i];
        else
            tree_set(&s->tree, at, value[i]);
    }
    if (rebuild || (s->mode == PER && s->count > 0 && s->tree.total < TOTAL_LEAST))
        tree_rebuild(&s->tree, s->used);
}

/* Store value[i] (what `stored` gives) in row[i], in this order. */
static void sampler_write(Sampler *s, const int64_t *row, const float *value, int64_t count)
{
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++) {
        largest = value[i] > largest ? value[i] : largest;
        s->used = row[i] >= s->used ? row[i] + 1 : s->used;
    }
    if (s->mode >= AMPER) {
        index_write(&s->index, row, s->code, count);
        s->count = s->index.held;
    } else {
        tree_write(s, row, value, count, largest);
    }
    s->maximum = largest > s->maximum ? largest : s->maximum;
}

FOR_EACH_CPU
static void sampler_remove(Sampler *s, const int64_t *row, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        s->count -= sampler_holds(s, row[i]);
        if (s->mode >= AMPER)
            index_set(&s->index, row[i], 0);
        else
            tree_set(&s->tree, row[i], 0.0f);
    }
    if (s->mode == PER && s->count > 0 && s->tree.total < TOTAL_LEAST)
        tree_rebuild(&s->tree, s->used);
}

/* The weights of the drawn rows; `empty`: drawn from all rows, as no row was in the candidate set. */
static void sampler_weigh(Sampler *s, int64_t batch, double beta, int empty, float *weight)
{
    int own = s->own_weights && s->mode >= AMPER;
    for (int64_t i = 0; i < batch; i++) {
        if (s->mode == UNIFORM || (own && empty))
            s->weighed[i] = 1.0;
        else if (s->mode == PER)
            s->weighed[i] = s->tree.priority[s->row[i]];
        else if (!own)
            s->weighed[i] = code_value(s->index.code[s->row[i]]);
        else if (s->mode == AMPER + NEAREST)
            s->weighed[i] = s->cover->bin[s->index.code[s->row[i]] >> 5] / s->cover->total;
        else
            s->weighed[i] = inclusion(&s->query, code_value(s->index.code[s->row[i]]), s->miss_of);
    }
    normalised_weights(s->weighed, weight, batch, beta);
}

/* Draw from the candidate set into s->row; -1 without memory, else whether the set was empty. */
static int sampler_draw(Sampler *s, int64_t batch)
{
    Query *query = &s->query;
    query->scale = s->scale;
    query_search(query, &s->index, s->key, s->counter);
    s->counter += 2 * (uint64_t)query->groups;
    int64_t rows = query_rows(query, &s->index);
    int empty = rows == 0;
    s->share = (double)rows / (double)s->count;
    if (s->target > 0.0)
        s->scale = controlled(s->scale, s->share, s->target, s->largest_scale);
    if (empty) {
        query->interval[0] = (Interval){CODE_FIRST, CODE_LAST};
        query->count = 1;
        rows = s->count;
    }
    if (s->cover != NULL)
        cover_add(s->cover, query);
    int64_t spans = scan_is_cheaper(&s->index, query, batch, s->used, rows, s->span);
    if (spans > 0 && make_room((void **)&s->list, &s->list_room, rows + 1, sizeof(uint32_t)))
        return -1;
    query_mark(query, ~(uint64_t)0);
    if (spans > 0) {
        scan_rows(&s->index, query->member, s->span, spans, rows, s->list);
        draw_from_list(s->list, rows, s->key, s->counter, s->row, batch);
        s->counter += (uint64_t)batch;
    } else {
        s->counter += draw_by_rejection(s->index.code, query->member, (uint64_t)s->used, s->key, s->counter, s->row,
                                        batch);
    }
    query_mark(query, 0);
    return empty;
}

/* Draw a batch of rows, which `sampler_weigh` then weighs. At least one row holds a priority, and the scratch has room.
 * -1 without memory, else what `sampler_weigh` takes as `empty`. */
static int sampler_sample(Sampler *s, int64_t batch, int64_t *row)
{
    int empty = 0;
    if (s->mode >= AMPER) {
        empty = sampler_draw(s, batch);
        if (empty < 0)
            return -1;
    } else {
        int64_t *rank = (int64_t *)s->weighed; /* not in use yet */
        for (int64_t i = 0; i < batch; i++)
            rank[i] = (int64_t)random_below(random_word(s->key, s->counter + (uint64_t)i), (uint64_t)s->tree.total);
        s->counter += (uint64_t)batch;
        tree_find(&s->tree, rank, s->row, batch);
    }
    s->batches++;
    memcpy(row, s->row, (size_t)batch * sizeof(int64_t));
    return empty;
}

/* Bytes that the sampler keeps for its rows, without the scratch of a batch. */
static int64_t sampler_memory(const Sampler *s)
{
    int64_t bytes = (int64_t)sizeof *s;
    if (s->mode < AMPER)
        return bytes + s->tree.bytes;
    return bytes + (s->rows + s->rows / BLOCK) * (int64_t)sizeof(uint16_t) + (s->index.pages + 1) * (int64_t)sizeof(Page)
           + (s->cover ? (int64_t)sizeof(Cover) : 0);
}

#endif
