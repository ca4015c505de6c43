/* Bare-metal driver of the AMPER sampler; amper.h says what each function does. */
#include "amper_private.h"

/* What the device was built for; AMPER_BAD_ANSWER for what none can be. */
static int read_sizes(struct amper *device)
{
#ifdef AMPER_REG_RESULT_PACKED
    uint32_t features;
#endif
    uint32_t width = amper_get_register(device, AMPER_REG_PRIORITY_WIDTH);
    device->rows_max = amper_get_register(device, AMPER_REG_ROWS_MAX);
    device->batch_max = amper_get_register(device, AMPER_REG_BATCH_MAX);
    device->batch = amper_get_register(device, AMPER_REG_BATCH);
    if (width < 4 || width > 32 || device->rows_max - 1 >= UINT32_C(1) << 20 || device->batch_max > 4096 ||
        device->batch - 1 >= device->batch_max)
        return AMPER_BAD_ANSWER;
    device->priority_max = 0xFFFFFFFFu >> (32 - width);
#ifdef AMPER_REG_RESULT_PACKED
    features = amper_get_register(device, AMPER_REG_FEATURES);
    device->packed = (features & AMPER_FEATURES_PACKED_MASK) != 0;
#endif
#ifdef AMPER_WINDOW
    device->window = device->packed && (features & AMPER_FEATURES_BUS_MASK) == AMPER_FEATURES_BUS_MASK;
#endif
    return AMPER_OK;
}

/* Wait until the device does nothing, and drop the results that it still has. */
static int drain(const struct amper *device)
{
    uint32_t polls, idle = 0;
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        uint32_t status = amper_get_register(device, AMPER_REG_STATUS);
        if (status & ~(uint32_t)AMPER_STATUS_MASK)
            return AMPER_BAD_ANSWER;
        if (status & AMPER_STATUS_RESULT_AVAILABLE_MASK) {
            (void)amper_get_register(device, AMPER_REG_RESULT_ROW);
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
    if (amper_get_register(device, AMPER_REG_ID) != AMPER_ID_VALUE_RESET)
        return AMPER_NO_DEVICE;
    if (amper_get_register(device, AMPER_REG_VERSION) >> AMPER_VERSION_MAJOR_LSB != AMPER_VERSION_MAJOR_RESET)
        return AMPER_NO_VERSION;
#ifdef AMPER_REG_CONTROL
    amper_put_register(device, AMPER_REG_CONTROL, 0);
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
    result = amper_command(device, AMPER_REG_GROUPS + 4u * (uint32_t)parameter, value);
    if (result == AMPER_OK)
        result = amper_finish_commands(device, AMPER_STATUS_PARAMETER_REFUSED_MASK);
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
    *value = amper_get_register(device, AMPER_REG_GROUPS + 4u * (uint32_t)parameter);
    return AMPER_OK;
}

int amper_write(struct amper *device, uint32_t row, uint32_t priority)
{
    if (!device->ready)
        return AMPER_NOT_READY;
    if (row >= device->rows_max || priority > device->priority_max)
        return AMPER_BAD_ARGUMENT;
    amper_put_register(device, AMPER_REG_WRITE_ROW, row);
    return amper_command(device, AMPER_REG_WRITE_PRIORITY, priority);
}

int amper_invalidate(struct amper *device, uint32_t row)
{
    if (!device->ready)
        return AMPER_NOT_READY;
    if (row >= device->rows_max)
        return AMPER_BAD_ARGUMENT;
    return amper_command(device, AMPER_REG_INVALIDATE, row);
}

int amper_clear(struct amper *device)
{
    return amper_set(device, AMPER_CLEAR, 1);
}

int amper_finish(struct amper *device)
{
    return device->ready ? amper_finish_commands(device, AMPER_STATUS_WRITE_REFUSED_MASK) : AMPER_NOT_READY;
}

int amper_stream_results(struct amper *device, int on)
{
    int result = amper_finish(device);
    if (result != AMPER_OK && result != AMPER_REFUSED)
        return result;
#ifdef AMPER_REG_CONTROL
    result = amper_expect_no_draw(device);
    if (result != AMPER_OK)
        return result;
    amper_put_register(device, AMPER_REG_CONTROL, on ? AMPER_CONTROL_RESULTS_MASK : 0u);
    device->to_stream = on != 0;
    return AMPER_OK;
#else
    return on ? AMPER_BAD_ARGUMENT : AMPER_OK;
#endif
}

void amper_enable_interrupts(const struct amper *device, uint32_t bits)
{
    amper_put_register(device, AMPER_REG_IRQ_ENABLE, bits & AMPER_IRQ_ENABLE_MASK);
}

uint32_t amper_interrupts(const struct amper *device)
{
    return amper_get_register(device, AMPER_REG_IRQ_STATUS);
}

/* T, both halves of the same batch. */
static uint64_t read_total(const struct amper *device)
{
#ifdef AMPER_REG_TOTAL_LOW
    uint32_t polls, low = 0, high = 0;
    if (!(amper_get_register(device, AMPER_REG_FEATURES) >> AMPER_VARIANT_EXACT & 1u))
        return 0; /* a sampler of another configuration than the header's */
    high = amper_get_register(device, AMPER_REG_TOTAL_HIGH);
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        uint32_t before = high;
        low = amper_get_register(device, AMPER_REG_TOTAL_LOW);
        high = amper_get_register(device, AMPER_REG_TOTAL_HIGH);
        if (high == before)
            break;
    }
    return (uint64_t)high << 32 | low;
#else
    (void)device;
    return 0;
#endif
}

/* What became of flipped bits of rows in RAM. */
static void read_faults(const struct amper *device, struct amper_state *state)
{
    state->faults_repaired = state->faults_lost = state->lost_row = 0;
#ifdef AMPER_REG_FAULTS
    if (amper_get_register(device, AMPER_REG_FEATURES) & AMPER_FEATURES_PROTECTION_MASK) {
        uint32_t faults = amper_get_register(device, AMPER_REG_FAULTS);
        state->faults_repaired = (faults & AMPER_FAULTS_REPAIRED_MASK) >> AMPER_FAULTS_REPAIRED_LSB;
        state->faults_lost = (faults & AMPER_FAULTS_LOST_MASK) >> AMPER_FAULTS_LOST_LSB;
        state->lost_row = amper_get_register(device, AMPER_REG_LOST_ROW);
    }
#else
    (void)device;
#endif
}

void amper_read_state(struct amper *device, struct amper_state *state)
{
    uint32_t status = amper_get_register(device, AMPER_REG_STATUS);
    state->busy = status & AMPER_STATUS_BUSY_MASK ? 1 : 0;
    state->vmax_exact = status & AMPER_STATUS_VMAX_EXACT_MASK ? 1 : 0;
    state->vmax = amper_get_register(device, AMPER_REG_VMAX);
    state->csp_size = amper_get_register(device, AMPER_REG_CSP_SIZE);
    state->valid_rows = amper_get_register(device, AMPER_REG_VALID_ROWS);
    state->total = read_total(device);
    state->searches = amper_get_register(device, AMPER_REG_SEARCHES);
    state->cycles = amper_get_register(device, AMPER_REG_CYCLES);
    state->errors = amper_get_register(device, AMPER_REG_ERRORS);
    state->bus_errors = amper_get_register(device, AMPER_REG_BUS_ERRORS);
    state->bus_error_count = amper_get_register(device, AMPER_REG_BUS_ERROR_COUNT);
    read_faults(device, state);
}

void amper_clear_bus_errors(struct amper *device, uint32_t bits)
{
    amper_put_register(device, AMPER_REG_BUS_ERRORS, bits & AMPER_BUS_ERRORS_MASK);
}
