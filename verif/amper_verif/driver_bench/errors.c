/* The driver on plain memory that answers like no device: its error codes, with the plain accesses. */
#include <stdio.h>
#include <stddef.h>

#include "amper.h"

static uint32_t memory[1024];

static int expect(int line, int got, int wanted)
{
    if (got != wanted)
        printf("line %d: expected %d, got %d\n", line, wanted, got);
    return got != wanted;
}

#define EXPECT(call, wanted) (failures += expect(__LINE__, call, wanted))
#define REGISTER(name) memory[AMPER_REG_##name / 4]

int main(void)
{
    struct amper device;
    uint32_t value, rows[4];
    int failures = 0;
    EXPECT(amper_init(&device, memory), AMPER_NO_DEVICE);
    REGISTER(ID) = AMPER_ID_VALUE_RESET;
    EXPECT(amper_init(&device, memory), AMPER_NO_VERSION);
    REGISTER(VERSION) = (AMPER_VERSION_MAJOR_RESET + 1) << AMPER_VERSION_MAJOR_LSB;
    EXPECT(amper_init(&device, memory), AMPER_NO_VERSION);
    REGISTER(VERSION) = AMPER_VERSION_MAJOR_RESET << AMPER_VERSION_MAJOR_LSB | 0xFFFF;
    REGISTER(PRIORITY_WIDTH) = 8;
    REGISTER(ROWS_MAX) = 7;
    REGISTER(FEATURES) = 1u << AMPER_VARIANT_FR_DITHERED;
    REGISTER(BATCH_MAX) = 4;
    EXPECT(amper_init(&device, memory), AMPER_TIMEOUT); /* never idle */
    EXPECT(amper_write(&device, 0, 1), AMPER_NOT_READY);
    REGISTER(STATUS) = AMPER_STATUS_QUEUE_EMPTY_MASK;
    EXPECT(amper_init(&device, memory), AMPER_BAD_ANSWER); /* a BATCH of 0 */
    REGISTER(BATCH) = 4;
    EXPECT(amper_init(&device, memory), AMPER_OK);
    EXPECT(amper_write(&device, 0, 1), AMPER_TIMEOUT); /* no room in the queue, ever */
    EXPECT(amper_write(&device, 0, 1), AMPER_NOT_READY);
    EXPECT(amper_invalidate(&device, 0), AMPER_NOT_READY);
    EXPECT(amper_clear(&device), AMPER_NOT_READY);
    EXPECT(amper_finish(&device), AMPER_NOT_READY);
    EXPECT(amper_set(&device, AMPER_BATCH, 3), AMPER_NOT_READY);
    EXPECT(amper_get(&device, AMPER_BATCH, &value), AMPER_NOT_READY);
    EXPECT(amper_seed(&device, 1), AMPER_NOT_READY);
    EXPECT(amper_sample(&device, 1, rows, NULL), AMPER_NOT_READY);
    REGISTER(LEVEL) = 17;
    EXPECT(amper_init(&device, memory), AMPER_OK);
    EXPECT(amper_write(&device, 0, 1), AMPER_BAD_ANSWER); /* more places than there are */
    REGISTER(LEVEL) = 16;
    EXPECT(amper_init(&device, memory), AMPER_OK);
    EXPECT(amper_write(&device, 7, 1), AMPER_BAD_ARGUMENT);
    EXPECT(amper_write(&device, 6, 256), AMPER_BAD_ARGUMENT);
    EXPECT(amper_invalidate(&device, 7), AMPER_BAD_ARGUMENT);
    EXPECT((int)REGISTER(WRITE_PRIORITY), 0);
    EXPECT(amper_write(&device, 6, 255), AMPER_OK);
    EXPECT((int)REGISTER(WRITE_ROW), 6);
    EXPECT((int)REGISTER(WRITE_PRIORITY), 255);
    EXPECT(amper_invalidate(&device, 5), AMPER_OK);
    EXPECT((int)REGISTER(INVALIDATE), 5);
    EXPECT(amper_set(&device, (enum amper_parameter)16, 1), AMPER_BAD_ARGUMENT);
    EXPECT(amper_get(&device, AMPER_CLEAR, &value), AMPER_BAD_ARGUMENT);
    EXPECT(amper_set(&device, AMPER_BATCH, 3), AMPER_OK);
    EXPECT(amper_get(&device, AMPER_BATCH, &value), AMPER_OK);
    EXPECT((int)value, 3);
    REGISTER(STATUS) |= AMPER_STATUS_PARAMETER_REFUSED_MASK;
    EXPECT(amper_finish(&device), AMPER_OK);
    EXPECT(amper_set(&device, AMPER_BATCH, 3), AMPER_REFUSED);
    EXPECT(amper_clear(&device), AMPER_REFUSED);
    EXPECT(amper_seed(&device, 1), AMPER_REFUSED);
    REGISTER(STATUS) = AMPER_STATUS_QUEUE_EMPTY_MASK | AMPER_STATUS_WRITE_REFUSED_MASK;
    EXPECT(amper_finish(&device), AMPER_REFUSED);
    EXPECT(amper_sample(&device, 5, rows, NULL), AMPER_BAD_ARGUMENT);
    EXPECT(amper_sample(&device, 1, NULL, NULL), AMPER_BAD_ARGUMENT);
    EXPECT(amper_sample(&device, 1, rows, NULL), AMPER_TIMEOUT); /* no result ever */
    EXPECT(amper_init(&device, memory), AMPER_OK);
    REGISTER(STATUS) |= AMPER_STATUS_RESULT_AVAILABLE_MASK;
    EXPECT(amper_sample(&device, 1, rows, NULL), AMPER_BAD_ANSWER); /* one before the request */
    EXPECT(amper_init(&device, memory), AMPER_TIMEOUT); /* one for ever */
    REGISTER(STATUS) = 0x80000000u;
    EXPECT(amper_init(&device, memory), AMPER_BAD_ANSWER);
    REGISTER(STATUS) = AMPER_STATUS_QUEUE_EMPTY_MASK;
    EXPECT(amper_init(&device, memory), AMPER_OK);
    REGISTER(STATUS) = 0;
    EXPECT(amper_set(&device, AMPER_BATCH, 3), AMPER_TIMEOUT);
    return failures;
}
