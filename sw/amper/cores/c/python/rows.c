#include "rows.h"

#include <string.h>

INLINE void copy_rows(const char *from, ptrdiff_t stride, const int64_t *row, int64_t count, char *to, size_t bytes)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * (int64_t)bytes, from + row[i] * stride, bytes);
}

/* A constant size makes `memcpy` one or two instructions. */
static void copy_column(const Column *column, ptrdiff_t stride, const int64_t *row, int64_t count, char *to)
{
    const char *from = column->data;
    switch (column->bytes) {
    case 1: copy_rows(from, stride, row, count, to, 1); break;
    case 2: copy_rows(from, stride, row, count, to, 2); break;
    case 4: copy_rows(from, stride, row, count, to, 4); break;
    case 8: copy_rows(from, stride, row, count, to, 8); break;
    case 16: copy_rows(from, stride, row, count, to, 16); break;
    case 32: copy_rows(from, stride, row, count, to, 32); break;
    default: copy_rows(from, stride, row, count, to, column->bytes);
    }
}

void fetch_rows(const Rows *self, const int64_t *row, int64_t count)
{
    int lines = (int)((self->stride + CACHE_LINE - 1) / CACHE_LINE) + 1; /* a row may begin anywhere in a line */
    lines = lines > FETCHED_LINES ? FETCHED_LINES : lines;
    for (int64_t i = 0; i < count; i++)
        for (int line = 0; line < lines; line++)
            PREFETCH(self->first + row[i] * self->stride + line * CACHE_LINE);
}

void gather_rows(const Rows *self, const int64_t *row, const int64_t *last, int64_t count, char **to)
{
    for (int64_t done = 0; done < count; done += FETCHED) {
        int64_t part = count - done < FETCHED ? count - done : FETCHED;
        if (done == 0)
            fetch_rows(self, row, part);
        int64_t next = count - done - part < FETCHED ? count - done - part : FETCHED;
        fetch_rows(self, row + done + part, next);
        for (Py_ssize_t i = 0; i < self->count; i++) {
            const Column *column = self->column + i;
            const int64_t *from = column->from_last ? last : row;
            copy_column(column, self->stride, from + done, part, to[i] + done * (int64_t)column->bytes);
        }
    }
}

static double reward_of(const Rows *self, int64_t row)
{
    const char *from = self->reward->data + row * self->stride;
    float narrow;
    double wide;
    if (self->reward->type == NPY_DOUBLE) {
        memcpy(&wide, from, sizeof wide); /* aligned or not */
        return wide;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

/* The steps are the outer loop, so that the rows' cache misses overlap. */
void follow_rows(const Rows *self, const int32_t *follower, int64_t count, int64_t *last, double *total,
                 double *discount)
{
    for (int64_t i = 0; i < count; i++) {
        PREFETCH(follower + last[i]);
        total[i] = reward_of(self, last[i]);
        discount[i] = self->gamma;
    }
    int64_t going = count;
    for (int64_t step = 1; step < self->steps && going; step++) {
        going = 0;
        for (int64_t i = 0; i < count; i++) {
            ptrdiff_t at = last[i] * self->stride;
            int64_t following = follower[last[i]];
            if (following < 0 || self->terminated->data[at] || self->truncated->data[at])
                continue; /* and in every later step */
            last[i] = following;
            total[i] += discount[i] * reward_of(self, following);
            discount[i] *= self->gamma;
            PREFETCH(follower + following);
            going++;
        }
    }
}
