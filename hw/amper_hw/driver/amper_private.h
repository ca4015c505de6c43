/* What the driver's own files share; users include amper.h alone. */
#ifndef AMPER_PRIVATE_H
#define AMPER_PRIVATE_H

#include "amper.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t amper_get_register(const struct amper *device, uint32_t offset)
{
    return AMPER_READ32(device->base, offset);
}

static inline void amper_put_register(const struct amper *device, uint32_t offset, uint32_t value)
{
    AMPER_WRITE32(device->base, offset, value);
}

/* Returns `result`. After it nothing but amper_init: nobody knows what of an earlier command is still to come. */
int amper_give_up(struct amper *device, int result);

/* Wait until one of `bits` is 1 in STATUS, which goes to `status`. */
int amper_wait_for(struct amper *device, uint32_t bits, uint32_t *status);

/* Write a register that is a command, once the queue has room. */
int amper_command(struct amper *device, uint32_t offset, uint32_t value);

/* Wait until every command was taken; AMPER_REFUSED if then one of `refused` is 1 in STATUS. */
int amper_finish_commands(struct amper *device, uint32_t refused);

/* A draw that waits before a request or after a batch is of an earlier one, or a read went wrong unnoticed. */
int amper_expect_no_draw(struct amper *device);

#ifdef __cplusplus
}
#endif

#endif
