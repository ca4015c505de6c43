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
void follow_rows(const Rows *self, int64_t count, int64_t *last, double *total, double *discount)
{
    const int32_t *follower = self->follower;
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

INLINE void put_values(char *to, ptrdiff_t stride, const char *from, int64_t count, size_t bytes)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * stride, from + i * (int64_t)bytes, bytes);
}

static void put_column(char *to, ptrdiff_t stride, const char *from, int64_t count, size_t bytes)
{
    switch (bytes) {
    case 1: put_values(to, stride, from, count, 1); break;
    case 2: put_values(to, stride, from, count, 2); break;
    case 4: put_values(to, stride, from, count, 4); break;
    case 8: put_values(to, stride, from, count, 8); break;
    case 16: put_values(to, stride, from, count, 16); break;
    case 32: put_values(to, stride, from, count, 32); break;
    default: put_values(to, stride, from, count, bytes);
    }
}

void put_rows(Rows *self, const Value *value, int64_t first, int64_t count)
{
    while (count > 0) {
        int64_t row = self->added % self->rows, part = self->rows - row < count ? self->rows - row : count;
        if (self->kept.oldest == NULL)
            self->kept.written += part;
        else
            for (int64_t i = 0; i < part; i++)
                kept_write(&self->kept, self->first + (row + i) * self->stride);
        for (Py_ssize_t i = 0; i < self->count; i++) {
            const Column *column = self->column + i;
            put_column(column->data + row * self->stride, self->stride,
                       (const char *)value[i].from + first * (int64_t)column->bytes, part, column->bytes);
        }
        self->added += part;
        first += part;
        count -= part;
    }
}

void link_row(Rows *self, int64_t number, int64_t env)
{
    int64_t row = number % self->rows, before = self->newest[env];
    int there = before != NONE && before > number - self->rows;
    self->follower[row] = NONE;
    if (there)
        self->follower[before % self->rows] = (int32_t)row;
    if (self->preceding)
        self->preceding[row] = there ? (int32_t)(before % self->rows) : NONE;
    self->newest[env] = number;
}

void number_rows(const Rows *self, int64_t *row, int64_t count)
{
    int64_t next = self->added % self->rows, turn = self->added - next; /* of the row that is taken next */
    for (int64_t i = 0; i < count; i++)
        row[i] += turn - (row[i] >= next ? self->rows : 0);
}

FOR_EACH_CPU
int rows_of_numbers(const Rows *self, const int64_t *number, int64_t count, int64_t *row)
{
    int64_t turn = self->added - self->added % self->rows, oldest = self->added - self->rows;
    int there = 1;
    for (int64_t i = 0; i < count; i++) {
        there &= number[i] >= 0 && number[i] >= oldest && number[i] < self->added;
        row[i] = number[i] - turn + (number[i] < turn ? self->rows : 0);
    }
    return there;
}
