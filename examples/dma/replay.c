/* replay.h says what each function does. */
#include "replay.h"

#define LANE ((uint32_t)sizeof(struct replay_lane))

int replay_open(struct replay *replay, volatile void *sampler, volatile void *dma,
                volatile struct ring_descriptor *descriptors, uint32_t address, uint32_t count)
{
    int result = amper_init(&replay->sampler, sampler);
    if (result == AMPER_OK)
        result = amper_stream_results(&replay->sampler, 1);
    ring_open(&replay->updates, dma, RING_MM2S, descriptors, address, count);
    ring_open(&replay->results, dma, RING_S2MM, descriptors + count, address + count * (uint32_t)sizeof *descriptors, count);
    return result;
}

int replay_request(struct replay *replay, uint32_t draws, uint32_t address)
{
    if (ring_post(&replay->results, address, draws * LANE) != 0)
        return -1;
    AMPER_WRITE32(replay->sampler.base, AMPER_REG_REQUEST, draws);
    return 0;
}

int32_t replay_batch(struct replay *replay)
{
    int32_t bytes = ring_take(&replay->results);
    return bytes < 0 ? -1 : bytes / (int32_t)LANE;
}

int replay_update(struct replay *replay, uint32_t count, uint32_t address)
{
    if (ring_post(&replay->updates, address, count * LANE) != 0)
        return -1;
    return ring_take(&replay->updates) == (int32_t)(count * LANE) ? 0 : -1;
}
