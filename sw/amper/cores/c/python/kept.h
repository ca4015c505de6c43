/* What rows were before they were overwritten, kept for who reads rows without the lock.
 *
 * Such a reader may find a row half old and half new; when it has done, it takes those that were written meanwhile from
 * here. Rows are written in turn, so the writes are counted, and number w replaced what `kept_row(w)` has. */
#ifndef AMPER_KEPT_H
#define AMPER_KEPT_H

#include <stdint.h>

#define KEPT_MOST ((int64_t)64 << 20) /* bytes, beyond which writers wait for readers */

typedef struct Reader {
    int64_t since; /* writes before it began */
    struct Reader *next;
} Reader;

typedef struct {
    int64_t bytes;   /* of a row */
    int64_t written; /* rows, ever */
    Reader *oldest;
    char *row; /* of the writes from `first` on */
    int64_t first, room;
} Kept;

void kept_open(Kept *kept, Reader *reader);

void kept_close(Kept *kept, Reader *reader);

/* Make room for `count` more rows, if there are readers; -1 if that would be too much. */
int kept_reserve(Kept *kept, int64_t count);

/* A row, for which there is room, is about to be overwritten. */
void kept_write(Kept *kept, const char *row);

/* What write number `write`, not older than a reader, replaced. */
const char *kept_row(const Kept *kept, int64_t write);

void kept_free(Kept *kept);

#endif
