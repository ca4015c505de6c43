/* docs/reference/algorithm.md, section 7: the places in the sum of all codes that draw words choose; no Python in here. */
#ifndef AMPER_PLACES_H
#define AMPER_PLACES_H

#include <stdint.h>

#include "stream.h"

#define CODE_WIDTH 32     /* most bits of a code */
#define PLACES_BATCH 4096 /* most draws of a stratified batch, so that its places fit in 64 bits */

/* What both ways to keep the codes of variant exact begin with: `held` rows of `rows` are valid. */
typedef struct {
    int64_t rows, held;
    int width, place_width, stratified;
    Stream draw;
} Places;

/* A batch's places, 0 to total - 1, of at most PLACES_BATCH draws. */
void places_draw(Places *p, uint64_t total, uint64_t *place, int64_t batch);

#endif
