/* Uniform draws from a candidate set: by trying random rows, or from a list of those that a scan finds. */
#ifndef AMPER_DRAWS_H
#define AMPER_DRAWS_H

#include "query.h"

#define TRIES 16 /* random rows tried at a time */

/* Random rows until `batch` of them have a member code. Room for batch + TRIES. Returns the words taken. */
uint64_t draw_by_rejection(const uint16_t *code, const uint64_t *member, uint64_t used, uint64_t key,
                           uint64_t counter, int64_t *row, int64_t batch);

/* How many spans to scan for the set's rows, or 0: `batch * used / rows` tries cost less. In units of a row gone through,
 * by measurement, a try is TRY of them and a row found FOUND; blocks without a row at or above the set are passed over. */
int64_t scan_is_cheaper(const CodeIndex *index, const Query *query, int64_t batch, int64_t used, int64_t rows,
                        Interval *span);

/* The `rows` rows that are in the set, ascending. */
void scan_rows(CodeIndex *index, const uint64_t *member, const Interval *span, int64_t spans, int64_t rows,
               uint32_t *list);

/* Draws from a list of rows. */
void draw_from_list(const uint32_t *list, int64_t rows, uint64_t key, uint64_t counter, int64_t *row, int64_t batch);

#endif
