#include "batch.h"

#include <string.h>

#include "draws.h"
#include "memory.h"
#include "random.h"

int batch_reserve(Sampler *s, int64_t count)
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

/* lambda' (or lambda) after a batch with `share` = |CSP|/n: one step of the controller. */
static double controlled(double scale, double share, double target, double largest)
{
    double error = (target - share) / target;
    error = error < -16.0 ? -16.0 : error;
    scale = scale * (1.0 + 0.03125 * error);
    scale = scale < 0x1p-20 ? 0x1p-20 : scale;
    return scale > largest ? largest : scale;
}

/* Draw from the candidate set into s->row; -1 without memory, else whether the set was empty. */
static int draw_from_set(Sampler *s, int64_t count)
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
    int64_t spans = scan_is_cheaper(&s->index, query, count, s->used, rows, s->span);
    if (spans > 0 && make_room((void **)&s->list, &s->list_room, rows + 1, sizeof(uint32_t)))
        return -1;
    query_mark(query, ~(uint64_t)0);
    if (spans > 0) {
        scan_rows(&s->index, query->member, s->span, spans, rows, s->list);
        draw_from_list(s->list, rows, s->key, s->counter, s->row, count);
        s->counter += (uint64_t)count;
    } else {
        s->counter += draw_by_rejection(s->index.code, query->member, (uint64_t)s->used, s->key, s->counter, s->row,
                                        count);
    }
    query_mark(query, 0);
    return empty;
}

int batch_draw(Sampler *s, int64_t count, int64_t *row)
{
    int empty = 0;
    if (s->mode >= AMPER) {
        empty = draw_from_set(s, count);
        if (empty < 0)
            return -1;
    } else {
        int64_t *rank = (int64_t *)s->weighed; /* not in use yet */
        for (int64_t i = 0; i < count; i++)
            rank[i] = (int64_t)random_below(random_word(s->key, s->counter + (uint64_t)i), (uint64_t)s->tree.total);
        s->counter += (uint64_t)count;
        tree_find(&s->tree, rank, s->row, count);
    }
    memcpy(row, s->row, (size_t)count * sizeof(int64_t));
    return empty;
}

const double *batch_values(Sampler *s, int64_t count, int empty, double *value)
{
    const int64_t *row = s->row;
    const uint16_t *code = s->index.code;
    value = value ? value : s->weighed;
    int own = s->own_weights && s->mode >= AMPER;
    if (s->mode == UNIFORM || (own && empty))
        for (int64_t i = 0; i < count; i++)
            value[i] = 1.0;
    else if (s->mode == PER)
        for (int64_t i = 0; i < count; i++)
            value[i] = s->tree.priority[row[i]];
    else if (!own)
        for (int64_t i = 0; i < count; i++)
            value[i] = code_value(code[row[i]]);
    else if (s->mode == AMPER + NEAREST)
        for (int64_t i = 0; i < count; i++)
            value[i] = s->cover->bin[code[row[i]] >> 5] / s->cover->total;
    else
        for (int64_t i = 0; i < count; i++)
            value[i] = inclusion(&s->query, code_value(code[row[i]]), s->miss_of);
    return value;
}
