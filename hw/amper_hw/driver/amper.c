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

/* After this nothing but amper_init: nobody knows what of an earlier command is still to come. */
static int give_up(struct amper *device, int result)
{
    device->ready = 0;
    return result;
}

/* An empty command queue has all its places. */
static void look_at_queue(struct amper *device, uint32_t status)
{
    if (status & AMPER_STATUS_QUEUE_EMPTY_MASK)
        device->free = AMPER_COMMAND_DEPTH_VALUE_RESET;
}

/* Wait until one of `bits` is 1 in STATUS, which goes to `status`. */
static int wait_for(struct amper *device, uint32_t bits, uint32_t *status)
{
    uint32_t polls;
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        *status = get(device, AMPER_REG_STATUS);
        if (*status & ~(uint32_t)AMPER_STATUS_MASK)
            return give_up(device, AMPER_BAD_ANSWER);
        look_at_queue(device, *status);
        if (*status & bits)
            return AMPER_OK;
    }
    return give_up(device, AMPER_TIMEOUT);
}

/* Wait for a free place in the command queue. Only this driver fills it, so LEVEL need not be read before it may be full. */
static int wait_for_room(struct amper *device)
{
    uint32_t polls;
    for (polls = 0; device->free == 0 && polls < AMPER_POLLS; polls++)
        device->free = get(device, AMPER_REG_LEVEL);
    if (device->free > AMPER_COMMAND_DEPTH_VALUE_RESET)
        return give_up(device, AMPER_BAD_ANSWER);
    return device->free ? AMPER_OK : give_up(device, AMPER_TIMEOUT);
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
    uint32_t status;
    int result = wait_for(device, AMPER_STATUS_QUEUE_EMPTY_MASK, &status);
    if (result != AMPER_OK)
        return result;
    return status & refused ? AMPER_REFUSED : AMPER_OK;
}

#ifdef AMPER_WINDOW
void amper_read_window(volatile void *base, uint32_t *words, uint32_t count)
{
    uint32_t word;
    for (word = 0; word < count; word++)
        words[word] = AMPER_READ32(base, AMPER_WINDOW + 4u * word);
}

void amper_write_window(volatile void *base, const uint32_t *words, uint32_t count)
{
    uint32_t word;
    for (word = 0; word < count; word++)
        AMPER_WRITE32(base, AMPER_WINDOW + 4u * word, words[word]);
}
#endif

/* What the device was built for; AMPER_BAD_ANSWER for what none can be. */
static int read_sizes(struct amper *device)
{
    uint32_t width = get(device, AMPER_REG_PRIORITY_WIDTH);
    device->rows_max = get(device, AMPER_REG_ROWS_MAX);
    device->batch_max = get(device, AMPER_REG_BATCH_MAX);
    device->batch = get(device, AMPER_REG_BATCH);
    if (width < 4 || width > 32 || device->rows_max - 1 >= UINT32_C(1) << 20 || device->batch_max > 4096 ||
        device->batch - 1 >= device->batch_max)
        return AMPER_BAD_ANSWER;
    device->priority_max = 0xFFFFFFFFu >> (32 - width);
#ifdef AMPER_REG_RESULT_PACKED
    device->packed = (get(device, AMPER_REG_FEATURES) & AMPER_FEATURES_PACKED_MASK) != 0;
#endif
#ifdef AMPER_WINDOW
    device->window = device->packed && (get(device, AMPER_REG_FEATURES) & AMPER_FEATURES_BUS_MASK) == AMPER_FEATURES_BUS_MASK;
#endif
    return AMPER_OK;
}

/* Wait until the device does nothing, and drop the results that it still has. */
static int drain(const struct amper *device)
{
    uint32_t polls, idle = 0;
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        uint32_t status = get(device, AMPER_REG_STATUS);
        if (status & ~(uint32_t)AMPER_STATUS_MASK)
            return AMPER_BAD_ANSWER;
        if (status & AMPER_STATUS_RESULT_AVAILABLE_MASK) {
            (void)get(device, AMPER_REG_RESULT_ROW);
            idle = 0;
        } else if (status & AMPER_STATUS_BUSY_MASK || !(status & AMPER_STATUS_QUEUE_EMPTY_MASK)) {
            idle = 0;
        } else if (++idle == 16) { /* a result may be on its way between the sampler and the registers */
            return AMPER_OK;
        }
    }
    return AMPER_TIMEOUT;
}

int amper_init(struct amper *device, volatile void *base)
{
    int result;
    device->base = base;
    device->ready = 0;
    device->free = 0;
    device->drawn = 0;
    device->fell_back = 0;
    device->packed = 0;
    device->window = 0;
    device->remembers = 0;
    device->to_stream = 0;
    if (get(device, AMPER_REG_ID) != AMPER_ID_VALUE_RESET)
        return AMPER_NO_DEVICE;
    if (get(device, AMPER_REG_VERSION) >> AMPER_VERSION_MAJOR_LSB != AMPER_VERSION_MAJOR_RESET)
        return AMPER_NO_VERSION;
#ifdef AMPER_REG_CONTROL
    put(device, AMPER_REG_CONTROL, 0);
#endif
    result = drain(device);
    if (result == AMPER_OK)
        result = read_sizes(device); /* now, since a change of BATCH may have been in the queue */
    device->ready = result == AMPER_OK;
    return result;
}

int amper_set(struct amper *device, enum amper_parameter parameter, uint32_t value)
{
    int result;
    if (!device->ready)
        return AMPER_NOT_READY;
    if ((uint32_t)parameter > AMPER_DRAW_STATE_3)
        return AMPER_BAD_ARGUMENT;
    result = command(device, AMPER_REG_GROUPS + 4u * (uint32_t)parameter, value);
    if (result == AMPER_OK)
        result = finish(device, AMPER_STATUS_PARAMETER_REFUSED_MASK);
    if (result == AMPER_OK && parameter == AMPER_BATCH)
        device->batch = value;
    return result;
}

int amper_get(struct amper *device, enum amper_parameter parameter, uint32_t *value)
{
    if (!device->ready)
        return AMPER_NOT_READY;
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
    if (!device->ready)
        return AMPER_NOT_READY;
    state[0] = split_mix(&seed);
    state[1] = split_mix(&seed);
    /* Variant exact alone has no query stream. */
    if (get(device, AMPER_REG_FEATURES) & ((1u << AMPER_VARIANT_EXACT) - 1u)) {
        int result = set_stream(device, AMPER_QUERY_STATE_0, state);
        if (result != AMPER_OK)
            return result;
    }
    jump(state);
    return set_stream(device, AMPER_DRAW_STATE_0, state);
}

int amper_write(struct amper *device, uint32_t row, uint32_t priority)
{
    if (!device->ready)
        return AMPER_NOT_READY;
    if (row >= device->rows_max || priority > device->priority_max)
        return AMPER_BAD_ARGUMENT;
    put(device, AMPER_REG_WRITE_ROW, row);
    return command(device, AMPER_REG_WRITE_PRIORITY, priority);
}

int amper_invalidate(struct amper *device, uint32_t row)
{
    if (!device->ready)
        return AMPER_NOT_READY;
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
    return device->ready ? finish(device, AMPER_STATUS_WRITE_REFUSED_MASK) : AMPER_NOT_READY;
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
    case AMPER_RESULT_BAD_BATCH:
        return AMPER_REFUSED;
    default:
        return AMPER_BAD_ANSWER;
    }
}

/* Take the oldest draw. Its status comes last: a reset on the way makes it 0, so that the batch does not seem complete. */
static int take(struct amper *device, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t row, priority, unused;
    int result = wait_for(device, AMPER_STATUS_RESULT_AVAILABLE_MASK, &unused);
    if (result != AMPER_OK)
        return result;
    row = get(device, AMPER_REG_RESULT_ROW);
    priority = priorities == NULL ? 0 : get(device, AMPER_REG_RESULT_PRIORITY);
    *status = get(device, AMPER_REG_RESULT_STATUS);
    if (*status & ~(uint32_t)AMPER_RESULT_STATUS_MASK || row >= device->rows_max)
        return give_up(device, AMPER_BAD_ANSWER);
    rows[device->drawn] = row;
    if (priorities != NULL)
        priorities[device->drawn] = priority;
    device->drawn++;
    return AMPER_OK;
}

#ifdef AMPER_REG_RESULT_PACKED
/* The draw in a packed word; of the status, only whether it is the last. */
static int unpack(struct amper *device, uint32_t word, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t row = word & (AMPER_RESULT_PACKED_LAST_MASK - 1u);
    uint32_t priority = word >> AMPER_RESULT_PACKED_PRIORITY_LSB;
    if (!(word & AMPER_RESULT_PACKED_VALID_MASK) || row >= device->rows_max || priority > device->priority_max)
        return give_up(device, AMPER_BAD_ANSWER);
    *status = word & AMPER_RESULT_PACKED_LAST_MASK ? AMPER_RESULT_STATUS_LAST_MASK : 0;
    rows[device->drawn] = row;
    if (priorities != NULL)
        priorities[device->drawn] = priority;
    device->drawn++;
    return AMPER_OK;
}

/* Take the oldest draw by one read. */
static int take_packed(struct amper *device, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t polls, word = 0;
    for (polls = 0; polls < AMPER_POLLS && !(word & AMPER_RESULT_PACKED_VALID_MASK); polls++) {
        if (polls != 0)
            AMPER_WAIT(device);
        word = get(device, AMPER_REG_RESULT_PACKED);
    }
    if (word == 0)
        return give_up(device, AMPER_TIMEOUT);
    return unpack(device, word, rows, priorities, status);
}
#endif

#ifdef AMPER_WINDOW
/* Take draws by one burst; the device makes it wait for them, though not for ever: then there are words of 0. */
static int take_burst(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t words[AMPER_BURST], word, polls = 0;
    int result = AMPER_OK;
    if (count > AMPER_BURST)
        count = AMPER_BURST;
    do
        AMPER_READ_WINDOW(device->base, words, count);
    while (words[0] == 0 && ++polls < AMPER_POLLS);
    if (words[0] == 0)
        return give_up(device, AMPER_TIMEOUT);
    for (word = 0; word < count && result == AMPER_OK; word++)
        if (words[word] != 0) /* behind the last one of a batch there must be none */
            result = *status ? give_up(device, AMPER_BAD_ANSWER) : unpack(device, words[word], rows, priorities, status);
    return result;
}

/* New priorities for drawn rows by one burst, of at most `count` pairs; returns of how many. */
static uint32_t update_burst(struct amper *device, uint32_t count, const uint32_t *priorities)
{
    uint32_t words[AMPER_BURST], word;
    if (count > AMPER_BURST)
        count = AMPER_BURST;
    for (word = 0; word < count; word++)
        words[word] = priorities[2 * word] | priorities[2 * word + 1] << AMPER_UPDATE_SECOND_LSB;
    AMPER_WRITE_WINDOW(device->base, words, count);
    device->free = 0; /* not known */
    return count;
}
#endif

/* Take the draws of a batch of `count`, and what RESULT_STATUS says of the last one. */
static int take_draws(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    int result = AMPER_OK;
    *status = 0;
#ifdef AMPER_REG_RESULT_PACKED
    if (device->packed) {
#ifdef AMPER_WINDOW
        while (device->window && result == AMPER_OK && !(*status & AMPER_RESULT_STATUS_LAST_MASK) && device->drawn < count)
            result = take_burst(device, count - device->drawn, rows, priorities, status);
#endif
        while (result == AMPER_OK && !(*status & AMPER_RESULT_STATUS_LAST_MASK) && device->drawn < count)
            result = take_packed(device, rows, priorities, status);
        if (result != AMPER_OK)
            return result;
        *status = get(device, AMPER_REG_RESULT_STATUS);
        return *status & ~(uint32_t)AMPER_RESULT_STATUS_MASK ? give_up(device, AMPER_BAD_ANSWER) : AMPER_OK;
    }
#endif
    while (result == AMPER_OK && !(*status & AMPER_RESULT_STATUS_LAST_MASK) && device->drawn < count)
        result = take(device, rows, priorities, status);
    return result;
}

/* A draw that waits before a request or after a batch is of an earlier one, or a read went wrong unnoticed. */
static int expect_no_draw(struct amper *device)
{
    uint32_t status = get(device, AMPER_REG_STATUS);
    if (status & (AMPER_STATUS_RESULT_AVAILABLE_MASK | ~(uint32_t)AMPER_STATUS_MASK))
        return give_up(device, AMPER_BAD_ANSWER);
    look_at_queue(device, status);
    return AMPER_OK;
}

/* Take the draws of a batch of `count`; their status goes to `status`. */
static int take_batch(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t word, due;
    int result = take_draws(device, count, rows, priorities, &word), meant;
    if (result == AMPER_OK)
        result = expect_no_draw(device);
    if (result != AMPER_OK)
        return result;
    *status = word & AMPER_RESULT_STATUS_STATUS_MASK;
    meant = meaning(*status);
    due = meant == AMPER_OK ? count : 1;
    if (meant == AMPER_BAD_ANSWER || !(word & AMPER_RESULT_STATUS_LAST_MASK) || device->drawn != due)
        return give_up(device, AMPER_BAD_ANSWER);
    return meant;
}

int amper_sample(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities)
{
    uint32_t status = AMPER_RESULT_OK;
    int result;
    device->drawn = 0;
    device->fell_back = 0;
    device->remembers = 0;
    if (!device->ready)
        return AMPER_NOT_READY;
    if (count > device->batch_max || rows == NULL || device->to_stream)
        return AMPER_BAD_ARGUMENT;
    if (count == 0)
        count = device->batch;
    result = expect_no_draw(device);
    if (result == AMPER_OK)
        result = command(device, AMPER_REG_REQUEST, count);
    if (result == AMPER_OK)
        result = take_batch(device, count, rows, priorities, &status);
    if (result != AMPER_OK)
        device->drawn = 0;
    device->fell_back = result == AMPER_OK && status == AMPER_RESULT_FALLBACK;
    device->remembers = result == AMPER_OK && device->packed;
    return result;
}

int amper_update(struct amper *device, uint32_t count, const uint32_t *rows, const uint32_t *priorities)
{
    uint32_t draw;
    int result = AMPER_OK;
    if (!device->ready)
        return AMPER_NOT_READY;
    if (count > device->drawn || rows == NULL || priorities == NULL)
        return AMPER_BAD_ARGUMENT;
    for (draw = 0; draw < count; draw++)
        if (rows[draw] >= device->rows_max || priorities[draw] > device->priority_max)
            return AMPER_BAD_ARGUMENT;
    draw = 0;
#ifdef AMPER_WINDOW
    while (device->window && device->remembers && draw + 1 < count)
        draw += 2 * update_burst(device, (count - draw) / 2, priorities + draw);
#endif
#ifdef AMPER_REG_UPDATE
    if (device->remembers)
        for (; result == AMPER_OK && draw + 1 < count; draw += 2)
            result = command(device, AMPER_REG_UPDATE,
                             priorities[draw] | priorities[draw + 1] << AMPER_UPDATE_SECOND_LSB);
    device->remembers = 0;
#endif
    for (; result == AMPER_OK && draw < count; draw++)
        result = amper_write(device, rows[draw], priorities[draw]);
    return result;
}

int amper_stream_results(struct amper *device, int on)
{
    int result = amper_finish(device);
    if (result != AMPER_OK && result != AMPER_REFUSED)
        return result;
#ifdef AMPER_REG_CONTROL
    result = expect_no_draw(device);
    if (result != AMPER_OK)
        return result;
    put(device, AMPER_REG_CONTROL, on ? AMPER_CONTROL_RESULTS_MASK : 0u);
    device->to_stream = on != 0;
    return AMPER_OK;
#else
    return on ? AMPER_BAD_ARGUMENT : AMPER_OK;
#endif
}

void amper_enable_interrupts(const struct amper *device, uint32_t bits)
{
    put(device, AMPER_REG_IRQ_ENABLE, bits & AMPER_IRQ_ENABLE_MASK);
}

uint32_t amper_interrupts(const struct amper *device)
{
    return get(device, AMPER_REG_IRQ_STATUS);
}

/* T, both halves of the same batch. */
static uint64_t read_total(const struct amper *device)
{
#ifdef AMPER_REG_TOTAL_LOW
    uint32_t polls, low = 0, high = 0;
    if (!(get(device, AMPER_REG_FEATURES) >> AMPER_VARIANT_EXACT & 1u))
        return 0; /* a sampler of another configuration than the header's */
    high = get(device, AMPER_REG_TOTAL_HIGH);
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        uint32_t before = high;
        low = get(device, AMPER_REG_TOTAL_LOW);
        high = get(device, AMPER_REG_TOTAL_HIGH);
        if (high == before)
            break;
    }
    return (uint64_t)high << 32 | low;
#else
    (void)device;
    return 0;
#endif
}

void amper_read_state(struct amper *device, struct amper_state *state)
{
    uint32_t status = get(device, AMPER_REG_STATUS);
    state->busy = status & AMPER_STATUS_BUSY_MASK ? 1 : 0;
    state->vmax_exact = status & AMPER_STATUS_VMAX_EXACT_MASK ? 1 : 0;
    state->vmax = get(device, AMPER_REG_VMAX);
    state->csp_size = get(device, AMPER_REG_CSP_SIZE);
    state->valid_rows = get(device, AMPER_REG_VALID_ROWS);
    state->total = read_total(device);
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
