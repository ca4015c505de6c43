/* faulty_device.h says what it does. Time is counted in accesses: one is a step of the device. */
#include "faulty_device.h"

#include <string.h>

#include "amper_regs.h"
#include "bus_access.h"

#define DEPTH AMPER_COMMAND_DEPTH_VALUE_RESET
#define MOST AMPER_BATCH_MAX_VALUE_RESET
#define LATENCY 5u /* steps between a request and its first draw */

struct draw {
    uint32_t row, priority, status;
};

static struct {
    uint32_t offset[DEPTH], value[DEPTH], queued; /* commands that wait */
    uint32_t due, made, wait;                     /* draws of the batch under way, those it has made, steps until it begins */
    struct draw results[MOST], shown;             /* draws that wait, and the one that was taken last */
    uint32_t waiting;
    uint32_t batch, any_row, to_stream, refused;
    uint32_t faulty; /* the rest of the batch under way is */
} device;

static struct plan plan;
static uint32_t steps;
static uint64_t word = 1;
uint32_t accesses, batch_number;

uint32_t chance(void)
{
    word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(word >> 32);
}

static void reset(void)
{
    memset(&device, 0, sizeof device);
    device.batch = MOST;
#ifdef AMPER_REG_CONTROL
    device.to_stream = 1;
#endif
}

void power_up(uint32_t now)
{
    reset();
    steps = now;
    set_plan((struct plan){NO_FAULT, 0, 0, 0});
}

void set_plan(struct plan next)
{
    plan = next;
    accesses = 0;
}

static int hit(uint32_t now)
{
    return plan.fault != NO_FAULT && now >= plan.at && now - plan.at < plan.length;
}

static int upset(void)
{
    return plan.fault == UPSET && hit(accesses);
}

static void execute(uint32_t offset, uint32_t value)
{
    if (offset == AMPER_REG_REQUEST) {
        device.faulty = (uint32_t)upset();
        device.due = !device.any_row || device.faulty ? 1 : value ? value : device.batch;
        device.made = 0;
        device.wait = LATENCY;
        batch_number++;
    } else if (offset == AMPER_REG_WRITE_PRIORITY) {
        device.any_row = 1;
    } else if (offset == AMPER_REG_CLEAR) {
        device.any_row = 0;
    } else if (offset == AMPER_REG_BATCH) {
        device.refused = value < 1 || value > MOST;
        if (!device.refused)
            device.batch = value;
    }
}

static void make_draw(void)
{
    struct draw draw = {0, 0, AMPER_RESULT_NO_VALID_ROW};
    if (device.any_row) {
        draw.row = (batch_number + device.made) % ROWS;
        draw.priority = 1 + batch_number % 200;
        draw.status = AMPER_RESULT_OK;
    }
    device.faulty |= (uint32_t)(device.any_row && upset());
    if (device.faulty)
        draw = (struct draw){0, 0, AMPER_RESULT_ROW_FAULT};
    if (++device.made == device.due)
        draw.status |= AMPER_RESULT_STATUS_LAST_MASK;
    if (!device.to_stream)
        device.results[device.waiting++] = draw;
}

/* Of the batch under way a draw; without one, a command every second step. */
static void step(void)
{
    steps++;
    if (device.made < device.due) {
        if (device.wait)
            device.wait--;
        else if (device.waiting < MOST)
            make_draw();
    } else if (device.queued && steps % 2) {
        uint32_t offset = device.offset[0], value = device.value[0];
        device.queued--;
        memmove(device.offset, device.offset + 1, device.queued * sizeof *device.offset);
        memmove(device.value, device.value + 1, device.queued * sizeof *device.value);
        execute(offset, value);
    }
}

static uint32_t status(void)
{
    return (device.waiting != 0) * AMPER_STATUS_RESULT_AVAILABLE_MASK |
           (device.made < device.due) * AMPER_STATUS_BUSY_MASK |
           (device.queued == 0) * AMPER_STATUS_QUEUE_EMPTY_MASK |
           (device.queued == DEPTH) * AMPER_STATUS_QUEUE_FULL_MASK |
           device.refused * AMPER_STATUS_PARAMETER_REFUSED_MASK;
}

static uint32_t take(void)
{
    if (device.waiting == 0)
        return 0; /* an error answer */
    device.shown = device.results[0];
    device.waiting--;
    memmove(device.results, device.results + 1, device.waiting * sizeof *device.results);
    return device.shown.row;
}

#ifdef AMPER_REG_RESULT_PACKED
static uint32_t take_packed(void)
{
    uint32_t row;
    if (device.waiting == 0)
        return 0;
    row = take();
    return row | AMPER_RESULT_PACKED_VALID_MASK |
           (device.shown.status & AMPER_RESULT_STATUS_LAST_MASK ? AMPER_RESULT_PACKED_LAST_MASK : 0) |
           device.shown.priority << AMPER_RESULT_PACKED_PRIORITY_LSB;
}
#endif

static uint32_t read_register(uint32_t offset)
{
#ifdef AMPER_WINDOW
    if (offset - AMPER_WINDOW < AMPER_WINDOW_BYTES)
        return take_packed();
#endif
    switch (offset) {
#ifdef AMPER_REG_RESULT_PACKED
    case AMPER_REG_RESULT_PACKED: return take_packed();
#endif
    case AMPER_REG_ID: return AMPER_ID_VALUE_RESET;
    case AMPER_REG_VERSION: return AMPER_VERSION_MAJOR_RESET << AMPER_VERSION_MAJOR_LSB;
    case AMPER_REG_ROWS_MAX: return ROWS;
    case AMPER_REG_BATCH_MAX: return MOST;
    case AMPER_REG_PRIORITY_WIDTH: return AMPER_PRIORITY_WIDTH_VALUE_RESET;
    case AMPER_REG_FEATURES:
        return AMPER_FEATURES_VARIANTS_RESET | AMPER_FEATURES_PACKED_RESET << AMPER_FEATURES_PACKED_LSB |
               AMPER_FEATURES_BUS_RESET << AMPER_FEATURES_BUS_LSB;
    case AMPER_REG_BATCH: return device.batch;
    case AMPER_REG_LEVEL: return DEPTH - device.queued;
    case AMPER_REG_STATUS: return status();
    case AMPER_REG_RESULT_ROW: return take();
    case AMPER_REG_RESULT_PRIORITY: return device.shown.priority;
    case AMPER_REG_RESULT_STATUS: return device.shown.status;
    default: return 0;
    }
}

/* Whether the access is carried out. */
static int reaches_device(void)
{
    uint32_t now = accesses++;
    if (plan.fault == RESET && now == plan.at)
        reset();
    if (!(hit(now) && plan.fault == STALL))
        step();
    return !(hit(now) && plan.fault == ERROR_ANSWER);
}

uint32_t bus_read32(volatile void *base, uint32_t offset)
{
    (void)base;
    if (reaches_device())
        return read_register(offset);
    return plan.answer == 1 ? chance() : plan.answer;
}

void bus_wait(void)
{
}

void bus_write32(volatile void *base, uint32_t offset, uint32_t value)
{
    (void)base;
    if (!reaches_device())
        return;
#ifdef AMPER_REG_CONTROL
    if (offset == AMPER_REG_CONTROL) {
        device.to_stream = value;
        return;
    }
#endif
    if (offset != AMPER_REG_WRITE_ROW && device.queued < DEPTH) {
        device.offset[device.queued] = offset;
        device.value[device.queued++] = value;
    }
}
