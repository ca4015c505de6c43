/* ring.h says what each function does. */
#include "ring.h"

#include "amper.h" /* how registers are reached */

#define CONTROL 0x00u /* registers of a channel */
#define CURRENT 0x08u
#define TAIL 0x10u
#define RUN 1u

#define FIRST_AND_LAST (3u << 26) /* of a packet, in a descriptor's control */
#define BYTES 0x03FFFFFFu
#define COMPLETE (1u << 31) /* in its status */
#define ERRORS (7u << 28)

static uint32_t address_of(const struct ring *ring, uint32_t place)
{
    return ring->address + place % ring->count * (uint32_t)sizeof(struct ring_descriptor);
}

void ring_open(struct ring *ring, volatile void *dma, uint32_t channel, volatile struct ring_descriptor *descriptors,
               uint32_t address, uint32_t count)
{
    uint32_t place;
    ring->registers = (volatile uint8_t *)dma + channel;
    ring->descriptors = descriptors;
    ring->address = address;
    ring->count = count;
    ring->posted = ring->taken = 0;
    for (place = 0; place < count; place++) {
        descriptors[place].next = address_of(ring, place + 1);
        descriptors[place].next_high = descriptors[place].buffer_high = descriptors[place].status = 0;
    }
    AMPER_WRITE32(ring->registers, CURRENT, address);
    AMPER_WRITE32(ring->registers, CONTROL, RUN);
}

int ring_post(struct ring *ring, uint32_t buffer, uint32_t bytes)
{
    volatile struct ring_descriptor *descriptor = &ring->descriptors[ring->posted % ring->count];
    if (ring->posted - ring->taken == ring->count - 1)
        return -1;
    descriptor->buffer = buffer;
    descriptor->status = 0;
    descriptor->control = bytes | FIRST_AND_LAST;
    AMPER_WRITE32(ring->registers, TAIL, address_of(ring, ring->posted)); /* the DMA goes on up to here */
    ring->posted++;
    return 0;
}

int32_t ring_take(struct ring *ring)
{
    volatile struct ring_descriptor *descriptor = &ring->descriptors[ring->taken % ring->count];
    uint32_t polls, status = 0;
    if (ring->posted == ring->taken)
        return -1;
    for (polls = 0; polls < AMPER_POLLS && !(status & (COMPLETE | ERRORS)); polls++) {
        RING_WAIT();
        status = descriptor->status;
    }
    if (!(status & COMPLETE) || status & ERRORS)
        return -1;
    ring->taken++;
    return (int32_t)(status & BYTES);
}
