/* A ring of descriptors for one channel of AXI DMA (Xilinx PG021) in scatter/gather mode; C99, no allocation.
 *
 * Descriptors and buffers lie in memory that the DMA sees as the CPU does: uncached, or coherent.
 */
#ifndef RING_H
#define RING_H

#include <stdint.h>

/* What to do between two looks at a descriptor. */
#ifndef RING_WAIT
#define RING_WAIT() ((void)0)
#endif

enum { RING_MM2S = 0x00, RING_S2MM = 0x30 }; /* the channels: offsets of their registers */

/* As the DMA reads it, at multiples of 64 bytes. */
struct ring_descriptor {
    uint32_t next, next_high, buffer, buffer_high, reserved[2], control, status, application[5], unused[3];
};

struct ring {
    volatile uint8_t *registers; /* of the channel */
    volatile struct ring_descriptor *descriptors;
    uint32_t address; /* of the descriptors, for the DMA */
    uint32_t count;   /* of them */
    uint32_t posted, taken;
};

/* Link the descriptors and start the channel at `dma` + `channel`. */
void ring_open(struct ring *ring, volatile void *dma, uint32_t channel, volatile struct ring_descriptor *descriptors,
               uint32_t address, uint32_t count);

/* Hand a buffer to the DMA: a packet to send, or room for one. 0, or -1 when all descriptors but one are in use: the DMA
 * cannot tell a ring that is full from one that is empty. */
int ring_post(struct ring *ring, uint32_t buffer, uint32_t bytes);

/* Wait for the oldest buffer; how many bytes were moved, or -1 when none is posted, in time, or without an error. */
int32_t ring_take(struct ring *ring);

#endif
