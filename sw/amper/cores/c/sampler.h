/* The whole state of a sampler, and its operations on checked input; no Python in here. */
#ifndef AMPER_SAMPLER_H
#define AMPER_SAMPLER_H

#include "inclusion.h"
#include "sum_tree.h"

enum Mode { UNIFORM, PER, AMPER };        /* AMPER + a Variant */
/* What a new row gets: the largest priority of all rows that hold one, the largest ever, that of a rank by code, `initial`
 * itself. */
enum Initial { LARGEST, LARGEST_EVER, QUANTILE, NUMBER };
enum Flag { MUST_HOLD = 1, ERRORS = 2 }; /* of a write: only rows that hold a priority; TD errors, not priorities */

typedef struct {
    int mode, own_weights;
    int aligned; /* match sets are aligned blocks: no code is a power of two */
    int64_t rows;
    int64_t used, count, cursor; /* rows below which all held ones lie; that hold a priority; that comes next */
    double maximum;              /* the largest priority so far, 0 before the first */
    double alpha, eps;
    int initial_kind;
    double initial; /* of QUANTILE, 0 to 1: the share of rows below; of NUMBER, the priority */
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

/* Empty, as mode, rows, query.groups and the numbers say that are set; -1 without memory, and what there is has to be
 * freed all the same. */
int sampler_new(Sampler *s);

void sampler_free(Sampler *s);

/* Store numbers, `wide` or else `narrow` ones, in rows, in this order. 1; 0, and nothing is stored, if a row or number is
 * not legal; -1 without memory. */
int sampler_write(Sampler *s, const int64_t *row, const double *wide, const float *narrow, int64_t count, int flags);

/* The priority that a new row gets now; 1 where there is nothing to go by. */
double sampler_initial(Sampler *s);

/* Store a legal priority in the row that comes next; the row, or -1 without memory. */
int64_t sampler_add(Sampler *s, double priority);

/* `sampler_add` of `count` priorities, or, if NULL, of as many new rows; 0, and nothing is stored, if one is not legal; -1
 * without memory. */
int sampler_extend(Sampler *s, const double *priority, int64_t count);

/* Make rows hold nothing. 1; 0, and nothing is removed, if one of them held nothing before, or is none. */
int sampler_remove(Sampler *s, const int64_t *row, int64_t count);

/* What is stored in a row, 0 where nothing is held. */
float sampler_priority(const Sampler *s, int64_t row);

/* (rows) what is stored, 0 where nothing is held. */
void sampler_priorities(const Sampler *s, float *priority);

/* Bytes that the sampler keeps for its rows, without the scratch of a batch. */
int64_t sampler_memory(const Sampler *s);

#endif
