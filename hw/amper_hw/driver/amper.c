/* Bare-metal driver of the AMPER sampler; amper.h says what each function does. */
#include "amper.h"

#include <stddef.h>

static uint32_t get(const struct amper *device, uint32_t offset)
{
    return AMPER_READ32(device->base, offset);
}

static void put(const struct amper *device, uint32_t offset, uint32_t value)
{
    AMPER_WRITE32(device->base, offset, value);
}

/* Wait until one of `bits` is 1 in STATUS. */
static int wait_for(const struct amper *device, uint32_t bits)
{
    uint32_t polls;
    for (polls = 0; polls < AMPER_POLLS; polls++)
        if (get(device, AMPER_REG_STATUS) & bits)
            return AMPER_OK;
    return AMPER_TIMEOUT;
}

/* Wait for a free place in the command queue. Only this driver fills it, so LEVEL need not be read before it may be full. */
static int wait_for_room(struct amper *device)
{
    uint32_t polls;
    for (polls = 0; device->free == 0 && polls < AMPER_POLLS; polls++)
        device->free = get(device, AMPER_REG_LEVEL);
    return device->free ? AMPER_OK : AMPER_TIMEOUT;
}

static int command(struct amper *device, uint32_t offset, uint32_t value)
{
    int result = wait_for_room(device);
    if (result != AMPER_OK)
        return result;
    put(device, offset, value);
    device->free--;
    return AMPER_OK;
}

/* Wait until every command was taken; AMPER_REFUSED if then one of `refused` is 1 in STATUS. */
static int finish(struct amper *device, uint32_t refused)
{
    int result = wait_for(device, AMPER_STATUS_QUEUE_EMPTY_MASK);
    if (result != AMPER_OK)
        return result;
    return get(device, AMPER_REG_STATUS) & refused ? AMPER_REFUSED : AMPER_OK;
}

int amper_init(struct amper *device, volatile void *base)
{
    uint32_t width, polls, idle;
    device->base = base;
    if (get(device, AMPER_REG_ID) != AMPER_ID_VALUE_RESET)
        return AMPER_NO_DEVICE;
    if (get(device, AMPER_REG_VERSION) >> AMPER_VERSION_MAJOR_LSB != AMPER_VERSION_MAJOR_RESET)
        return AMPER_NO_VERSION;
    width = get(device, AMPER_REG_PRIORITY_WIDTH);
    device->rows_max = get(device, AMPER_REG_ROWS_MAX);
    device->batch_max = get(device, AMPER_REG_BATCH_MAX);
    device->priority_max = 0xFFFFFFFFu >> (32 - width);
    device->free = 0;
    device->drawn = 0;
    device->fell_back = 0;
#ifdef AMPER_REG_CONTROL
    put(device, AMPER_REG_CONTROL, 0);
#endif
    for (polls = 0, idle = 0; polls < AMPER_POLLS; polls++) {
        uint32_t status = get(device, AMPER_REG_STATUS);
        if (status & AMPER_STATUS_RESULT_AVAILABLE_MASK) {
            (void)get(device, AMPER_REG_RESULT_ROW);
            idle = 0;
        } else if (status & AMPER_STATUS_QUEUE_EMPTY_MASK && !(status & AMPER_STATUS_BUSY_MASK)) {
            /* A result may be on its way between the sampler and the registers. */
            if (++idle == 16)
                return AMPER_OK;
        }
    }
    return AMPER_TIMEOUT;
}

int amper_set(struct amper *device, enum amper_parameter parameter, uint32_t value)
{
    int result;
    if ((uint32_t)parameter > AMPER_DRAW_STATE_3)
        return AMPER_BAD_ARGUMENT;
    result = command(device, AMPER_REG_GROUPS + 4u * (uint32_t)parameter, value);
    return result == AMPER_OK ? finish(device, AMPER_STATUS_PARAMETER_REFUSED_MASK) : result;
}

int amper_get(struct amper *device, enum amper_parameter parameter, uint32_t *value)
{
    if ((uint32_t)parameter > AMPER_ENABLE)
        return AMPER_BAD_ARGUMENT;
    *value = get(device, AMPER_REG_GROUPS + 4u * (uint32_t)parameter);
    return AMPER_OK;
}

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
    int result;
    state[0] = split_mix(&seed);
    state[1] = split_mix(&seed);
    result = set_stream(device, AMPER_QUERY_STATE_0, state);
    if (result != AMPER_OK)
        return result;
    jump(state);
    return set_stream(device, AMPER_DRAW_STATE_0, state);
}

int amper_write(struct amper *device, uint32_t row, uint32_t priority)
{
    if (row >= device->rows_max || priority > device->priority_max)
        return AMPER_BAD_ARGUMENT;
    put(device, AMPER_REG_WRITE_ROW, row);
    return command(device, AMPER_REG_WRITE_PRIORITY, priority);
}

int amper_invalidate(struct amper *device, uint32_t row)
{
    if (row >= device->rows_max)
        return AMPER_BAD_ARGUMENT;
    return command(device, AMPER_REG_INVALIDATE, row);
}

int amper_clear(struct amper *device)
{
    return amper_set(device, AMPER_CLEAR, 1);
}

int amper_finish(struct amper *device)
{
    return finish(device, AMPER_STATUS_WRITE_REFUSED_MASK);
}

/* What the status of a result means for the caller. */
static int meaning(uint32_t status)
{
    switch (status) {
    case AMPER_RESULT_OK:
    case AMPER_RESULT_FALLBACK:
        return AMPER_OK;
    case AMPER_RESULT_NO_VALID_ROW:
        return AMPER_NO_VALID_ROW;
    case AMPER_RESULT_DISABLED:
        return AMPER_DISABLED;
    default:
        return AMPER_REFUSED;
    }
}

int amper_sample(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities)
{
    uint32_t status = 0;
    int result;
    device->drawn = 0;
    device->fell_back = 0;
    if (count > device->batch_max || rows == NULL)
        return AMPER_BAD_ARGUMENT;
    result = command(device, AMPER_REG_REQUEST, count);
    while (result == AMPER_OK && !(status & AMPER_RESULT_STATUS_LAST_MASK)) {
        uint32_t row;
        result = wait_for(device, AMPER_STATUS_RESULT_AVAILABLE_MASK);
        if (result != AMPER_OK)
            break;
        row = get(device, AMPER_REG_RESULT_ROW);
        status = get(device, AMPER_REG_RESULT_STATUS);
        result = meaning(status & AMPER_RESULT_STATUS_STATUS_MASK);
        if (result == AMPER_OK) {
            rows[device->drawn] = row;
            if (priorities != NULL)
                priorities[device->drawn] = get(device, AMPER_REG_RESULT_PRIORITY);
            device->drawn++;
        }
    }
    device->fell_back = result == AMPER_OK && (status & AMPER_RESULT_STATUS_STATUS_MASK) == AMPER_RESULT_FALLBACK;
    return result;
}

void amper_read_state(struct amper *device, struct amper_state *state)
{
    uint32_t status = get(device, AMPER_REG_STATUS);
    state->busy = status & AMPER_STATUS_BUSY_MASK ? 1 : 0;
    state->vmax_exact = status & AMPER_STATUS_VMAX_EXACT_MASK ? 1 : 0;
    state->vmax = get(device, AMPER_REG_VMAX);
    state->csp_size = get(device, AMPER_REG_CSP_SIZE);
    state->valid_rows = get(device, AMPER_REG_VALID_ROWS);
    state->searches = get(device, AMPER_REG_SEARCHES);
    state->cycles = get(device, AMPER_REG_CYCLES);
    state->errors = get(device, AMPER_REG_ERRORS);
    state->bus_errors = get(device, AMPER_REG_BUS_ERRORS);
    state->bus_error_count = get(device, AMPER_REG_BUS_ERROR_COUNT);
}

void amper_clear_bus_errors(struct amper *device, uint32_t bits)
{
    put(device, AMPER_REG_BUS_ERRORS, bits & AMPER_BUS_ERRORS_MASK);
}
