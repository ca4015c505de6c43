#include "draw.h"

#include <stdlib.h>
#include <string.h>

#include "../batch.h"

/* The draws of a piece: all, where a batch has one candidate set. */
INLINE int64_t piece_of(const Core *core, int64_t left)
{
    return core->s.mode < AMPER && left > PIECE ? PIECE : left;
}

int draw_new(Draw *draw, int64_t batch, int steps)
{
    size_t pieces = (size_t)((batch + PIECE - 1) / PIECE), count = (size_t)batch;
    char *next = malloc(count * (steps ? 40 : 16) + pieces * sizeof(Moment));
    if (next == NULL)
        return -1;
    *draw = (Draw){.batch = batch, .memory = next, .moment = (Moment *)next};
    draw->row = draw->last = (int64_t *)(next + pieces * sizeof(Moment));
    draw->value = (double *)(draw->row + count);
    if (steps) {
        draw->last = (int64_t *)(draw->value + count);
        draw->total = (double *)(draw->last + count);
        draw->discount = draw->total + count;
    }
    return 0;
}

void draw_free(Draw *draw)
{
    free(draw->memory);
}

/* Draw a piece, and the values that weights go by, under the core's lock. */
static int draw_piece(Draw *draw, Core *core, int64_t first, int64_t count, int freely)
{
    int status = 1, empty;
    if (freely)
        lock_take_in_turn(&core->lock);
    else
        lock_take(&core->lock);
    Sampler *s = &core->s;
    if (s->count == 0)
        status = 0;
    else if (batch_reserve(s, count) || (empty = batch_draw(s, count, draw->row + first)) < 0)
        status = -1;
    else {
        batch_values(s, count, empty, draw->value + first);
        s->batches += first == 0;
    }
    lock_release(&core->lock);
    return status;
}

int draw_from_core(Draw *draw, Core *core)
{
    int status = 1;
    for (int64_t first = 0, count; first < draw->batch && status > 0; first += count) {
        count = piece_of(core, draw->batch - first);
        status = draw_piece(draw, core, first, count, 1);
    }
    return status;
}

/* Under the lock of the rows: the moment of a piece, its transitions' numbers, and where they end. */
static void describe_piece(Draw *draw, const Rows *rows, int64_t first, int64_t count)
{
    int64_t next = rows->added % rows->rows, *row = draw->row + first;
    draw->moment[draw->moments++] = (Moment){first, rows->kept.written, next};
    memcpy(draw->number + first, row, (size_t)count * sizeof *row);
    number_rows(rows, draw->number + first, count);
    if (rows->steps) {
        memcpy(draw->last + first, row, (size_t)count * sizeof *row);
        fetch_rows(rows, row, count < FETCHED ? count : FETCHED);
        follow_rows(rows, count, draw->last + first, draw->total + first, draw->discount + first);
    }
}

/* Under the lock of the rows: what was overwritten since its piece was drawn, from where it was kept. */
static void mend(const Draw *draw, const Rows *rows, char **to)
{
    for (int64_t m = 0; m < draw->moments && draw->moment[0].since < rows->kept.written; m++) {
        const Moment *moment = draw->moment + m;
        int64_t end = m + 1 < draw->moments ? moment[1].first : draw->batch;
        for (Py_ssize_t c = 0; c < rows->count; c++) {
            const Column *column = rows->column + c;
            const int64_t *row = column->from_last ? draw->last : draw->row;
            for (int64_t i = moment->first; i < end; i++) {
                int64_t ahead = row[i] - moment->next + (row[i] < moment->next ? rows->rows : 0);
                if (moment->since + ahead < rows->kept.written)
                    memcpy(to[c] + i * (int64_t)column->bytes,
                           kept_row(&rows->kept, moment->since + ahead) + (column->data - rows->first), column->bytes);
            }
        }
    }
}

/* Take the lock of the rows; a long batch is a reader from now on, unless somebody waits for the readers to end. */
static void open_rows(Draw *draw, Rows *rows, int freely)
{
    if (freely)
        lock_take_in_turn(&rows->lock);
    else
        lock_take(&rows->lock);
    draw->reads = freely && !rows->closing;
    if (draw->reads)
        kept_open(&rows->kept, &draw->reader);
}

int draw_from_rows(Draw *draw, Core *core, Rows *rows, char **to, int freely)
{
    int status = 1;
    for (int64_t first = 0, count; first < draw->batch && status > 0; first += count) {
        if (first == 0)
            open_rows(draw, rows, freely);
        else if (draw->reads) { /* others come between the pieces */
            lock_release(&rows->lock);
            lock_take_in_turn(&rows->lock);
        }
        count = piece_of(core, draw->batch - first);
        status = draw_piece(draw, core, first, count, freely);
        if (status > 0)
            describe_piece(draw, rows, first, count);
    }
    if (draw->reads)
        lock_release(&rows->lock);
    if (status > 0)
        gather_rows(rows, draw->row, draw->last, draw->batch, to);
    if (draw->reads) {
        PyThread_acquire_lock(rows->lock.lock, WAIT_LOCK); /* not in turn, as somebody may wait for just this */
        if (status > 0)
            mend(draw, rows, to);
        kept_close(&rows->kept, &draw->reader);
    }
    lock_release(&rows->lock);
    return status;
}
