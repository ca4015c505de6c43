/* What passes between the driver and the device: the command queue, and waits. amper_private.h says what each does. */
#include "amper_private.h"

int amper_give_up(struct amper *device, int result)
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

int amper_wait_for(struct amper *device, uint32_t bits, uint32_t *status)
{
    uint32_t polls;
    for (polls = 0; polls < AMPER_POLLS; polls++) {
        *status = amper_get_register(device, AMPER_REG_STATUS);
        if (*status & ~(uint32_t)AMPER_STATUS_MASK)
            return amper_give_up(device, AMPER_BAD_ANSWER);
        look_at_queue(device, *status);
        if (*status & bits)
            return AMPER_OK;
    }
    return amper_give_up(device, AMPER_TIMEOUT);
}

/* Wait for a free place in the command queue. Only this driver fills it, so LEVEL need not be read before it may be
 * full. */
static int wait_for_room(struct amper *device)
{
    uint32_t polls;
    for (polls = 0; device->free == 0 && polls < AMPER_POLLS; polls++)
        device->free = amper_get_register(device, AMPER_REG_LEVEL);
    if (device->free > AMPER_COMMAND_DEPTH_VALUE_RESET)
        return amper_give_up(device, AMPER_BAD_ANSWER);
    return device->free ? AMPER_OK : amper_give_up(device, AMPER_TIMEOUT);
}

int amper_command(struct amper *device, uint32_t offset, uint32_t value)
{
    int result = wait_for_room(device);
    if (result != AMPER_OK)
        return result;
    amper_put_register(device, offset, value);
    device->free--;
    return AMPER_OK;
}

int amper_finish_commands(struct amper *device, uint32_t refused)
{
    uint32_t status;
    int result = amper_wait_for(device, AMPER_STATUS_QUEUE_EMPTY_MASK, &status);
    if (result != AMPER_OK)
        return result;
    return status & refused ? AMPER_REFUSED : AMPER_OK;
}

int amper_expect_no_draw(struct amper *device)
{
    uint32_t status = amper_get_register(device, AMPER_REG_STATUS);
    if (status & (AMPER_STATUS_RESULT_AVAILABLE_MASK | ~(uint32_t)AMPER_STATUS_MASK))
        return amper_give_up(device, AMPER_BAD_ANSWER);
    look_at_queue(device, status);
    return AMPER_OK;
}
