/* Random streams: their states from a seed. */
#include "amper_private.h"

static uint64_t rotate_left(uint64_t word, unsigned places)
{
    return word << places | word >> (64 - places);
}

/* SplitMix64. */
static uint64_t split_mix(uint64_t *seed)
{
    uint64_t word = *seed += UINT64_C(0x9E3779B97F4A7C15);
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

/* 2^64 steps of xoroshiro128++, by its authors' polynomial. */
static void jump(uint64_t state[2])
{
    static const uint64_t polynomial[2] = {UINT64_C(0x2BD7A6A6E99C2DDC), UINT64_C(0x0992CCAF6A6FCA05)};
    uint64_t sum[2] = {0, 0};
    unsigned bit;
    for (bit = 0; bit < 128; bit++) {
        uint64_t mixed = state[0] ^ state[1];
        if (polynomial[bit / 64] >> bit % 64 & 1) {
            sum[0] ^= state[0];
            sum[1] ^= state[1];
        }
        state[0] = rotate_left(state[0], 49) ^ mixed ^ mixed << 21;
        state[1] = rotate_left(mixed, 28);
    }
    state[0] = sum[0];
    state[1] = sum[1];
}

/* The words that are not 0 go first: a state of zeros, also on the way, would be refused. */
static int set_stream(struct amper *device, enum amper_parameter first, const uint64_t state[2])
{
    unsigned round, word;
    for (round = 0; round < 2; round++)
        for (word = 0; word < 4; word++) {
            uint32_t value = (uint32_t)(state[word / 2] >> 32 * (word % 2));
            if ((value == 0) == (round == 1)) {
                int result = amper_set(device, (enum amper_parameter)((unsigned)first + word), value);
                if (result != AMPER_OK)
                    return result;
            }
        }
    return AMPER_OK;
}

int amper_seed(struct amper *device, uint64_t seed)
{
    uint64_t state[2];
    if (!device->ready)
        return AMPER_NOT_READY;
    state[0] = split_mix(&seed);
    state[1] = split_mix(&seed);
    /* Variant exact alone has no query stream. */
    if (amper_get_register(device, AMPER_REG_FEATURES) & ((1u << AMPER_VARIANT_EXACT) - 1u)) {
        int result = set_stream(device, AMPER_QUERY_STATE_0, state);
        if (result != AMPER_OK)
            return result;
    }
    jump(state);
    return set_stream(device, AMPER_DRAW_STATE_0, state);
}
