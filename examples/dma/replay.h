/* Batches and updates of a sampler with AXI streams by DMA: results to memory, updates from memory. */
#ifndef REPLAY_H
#define REPLAY_H

#include "amper.h"
#include "ring.h"

/* A draw, or an update, as the streams carry it. */
struct replay_lane {
    uint32_t row, priority;
};

struct replay {
    struct amper sampler;
    struct ring updates, results;
};

/* Initialise the sampler, send its results to the stream, and start both channels of the DMA. A result of the driver's.
 * Each channel has `count` descriptors, one behind the other, updates first. */
int replay_open(struct replay *replay, volatile void *sampler, volatile void *dma,
                volatile struct ring_descriptor *descriptors, uint32_t address, uint32_t count);

/* Ask for a batch of `draws` into the buffer at `address`, which the DMA fills while others are asked for. 0 or -1. */
int replay_request(struct replay *replay, uint32_t draws, uint32_t address);

/* Wait for the oldest batch: its draws, or -1. A request that was refused is answered by one draw. */
int32_t replay_batch(struct replay *replay);

/* Send `count` new priorities from the buffer at `address` and wait until the sampler has taken them. 0 or -1. */
int replay_update(struct replay *replay, uint32_t count, uint32_t address);

#endif
