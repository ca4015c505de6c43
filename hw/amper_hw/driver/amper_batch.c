/* Batches: draws by single registers, packed words or bursts, and the update of their priorities. */
#include "amper_private.h"

#include <stddef.h>

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
    case AMPER_RESULT_ROW_FAULT:
        return AMPER_ROW_FAULT;
    default:
        return AMPER_BAD_ANSWER;
    }
}

/* Take the oldest draw. Its status comes last: a reset on the way makes it 0, so that the batch does not seem
 * complete. */
static int take(struct amper *device, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t row, priority, unused;
    int result = amper_wait_for(device, AMPER_STATUS_RESULT_AVAILABLE_MASK, &unused);
    if (result != AMPER_OK)
        return result;
    row = amper_get_register(device, AMPER_REG_RESULT_ROW);
    priority = priorities == NULL ? 0 : amper_get_register(device, AMPER_REG_RESULT_PRIORITY);
    *status = amper_get_register(device, AMPER_REG_RESULT_STATUS);
    if (*status & ~(uint32_t)AMPER_RESULT_STATUS_MASK || row >= device->rows_max)
        return amper_give_up(device, AMPER_BAD_ANSWER);
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
        return amper_give_up(device, AMPER_BAD_ANSWER);
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
        word = amper_get_register(device, AMPER_REG_RESULT_PACKED);
    }
    if (word == 0)
        return amper_give_up(device, AMPER_TIMEOUT);
    return unpack(device, word, rows, priorities, status);
}
#endif

#ifdef AMPER_WINDOW
/* Take draws by bursts until there is one; the device makes a burst wait for them, though not for ever: then there are
 * words of 0, behind which draws may still come. */
static int take_burst(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t words[AMPER_BURST], word, polls, before = device->drawn;
    int result = AMPER_OK;
    if (count > AMPER_BURST)
        count = AMPER_BURST;
    for (polls = 0; device->drawn == before && polls < AMPER_POLLS; polls++) {
        AMPER_READ_WINDOW(device->base, words, count);
        for (word = 0; word < count && result == AMPER_OK; word++)
            if (words[word] != 0) /* behind the last one of a batch there must be none */
                result = *status ? amper_give_up(device, AMPER_BAD_ANSWER)
                                 : unpack(device, words[word], rows, priorities, status);
        if (result != AMPER_OK)
            return result;
    }
    return device->drawn == before ? amper_give_up(device, AMPER_TIMEOUT) : AMPER_OK;
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

static int more_due(const struct amper *device, uint32_t count, uint32_t status)
{
    return !(status & AMPER_RESULT_STATUS_LAST_MASK) && device->drawn < count;
}

/* Take the draws of a batch of `count`, and what RESULT_STATUS says of the last one. */
static int take_draws(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    int result = AMPER_OK;
    *status = 0; /* so far it is not the last */
#ifdef AMPER_REG_RESULT_PACKED
    if (device->packed) {
#ifdef AMPER_WINDOW
        while (device->window && result == AMPER_OK && more_due(device, count, *status))
            result = take_burst(device, count - device->drawn, rows, priorities, status);
#endif
        while (result == AMPER_OK && more_due(device, count, *status))
            result = take_packed(device, rows, priorities, status);
        if (result != AMPER_OK)
            return result;
        *status = amper_get_register(device, AMPER_REG_RESULT_STATUS);
        return *status & ~(uint32_t)AMPER_RESULT_STATUS_MASK ? amper_give_up(device, AMPER_BAD_ANSWER) : AMPER_OK;
    }
#endif
    while (result == AMPER_OK && more_due(device, count, *status))
        result = take(device, rows, priorities, status);
    return result;
}

/* Take the draws of a batch of `count`; their status goes to `status`. */
static int take_batch(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities, uint32_t *status)
{
    uint32_t word, due;
    int result = take_draws(device, count, rows, priorities, &word), meant;
    if (result == AMPER_OK)
        result = amper_expect_no_draw(device);
    if (result != AMPER_OK)
        return result;
    *status = word & AMPER_RESULT_STATUS_STATUS_MASK;
    meant = meaning(*status);
    /* The rest of a batch in which a fault was found says so, too. */
    due = meant == AMPER_OK ? count : meant == AMPER_ROW_FAULT ? device->drawn : 1;
    if (meant == AMPER_BAD_ANSWER || !(word & AMPER_RESULT_STATUS_LAST_MASK) || device->drawn != due)
        return amper_give_up(device, AMPER_BAD_ANSWER);
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
    result = amper_expect_no_draw(device);
    if (result == AMPER_OK)
        result = amper_command(device, AMPER_REG_REQUEST, count);
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
            result = amper_command(device, AMPER_REG_UPDATE,
                             priorities[draw] | priorities[draw + 1] << AMPER_UPDATE_SECOND_LSB);
    device->remembers = 0;
#endif
    for (; result == AMPER_OK && draw < count; draw++)
        result = amper_write(device, rows[draw], priorities[draw]);
    return result;
}
