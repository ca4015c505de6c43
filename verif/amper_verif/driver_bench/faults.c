/* The driver against a device that stalls, answers errors or resets at every access, once and at random. Compile with
 * -fsanitize=address,undefined. Whatever happens, a call ends, stores no more than it was asked for, and leaves nothing of
 * its batch for a later one; a batch that is AMPER_OK is a whole one, even if the device stalled or was reset. */
#include <stdio.h>
#include <stdlib.h>

#include "amper.h"
#include "faulty_device.h"

#define LONGEST (4u * AMPER_POLLS * (AMPER_BATCH_MAX_VALUE_RESET + 8u)) /* accesses of a call */
#define HOLES 1000000u

static struct amper device;
static struct plan present;
static unsigned failures;
static unsigned long seen[11]; /* calls that returned minus the place */

static void fail(const char *what, long number)
{
    if (failures++ < 20)
        printf("fault %d at %lu for %lu, answer 0x%lX: %s (%ld)\n", (int)present.fault, (unsigned long)present.at,
               (unsigned long)present.length, (unsigned long)present.answer, what, number);
}

/* Whether a value is the right one, what an error answered in its place, or 0: that of a draw of NO_VALID_ROW, whose
 * status an error answered. */
static int plausible(uint32_t value, uint32_t right)
{
    if (present.fault == ERROR_ANSWER)
        return present.answer == 1 || value == right || value == present.answer || value == 0 ||
               value == (present.answer & 0x3FFFu) || value == present.answer >> 16; /* the fields of RESULT_PACKED */
    return value == right;
}

static int sample(uint32_t count, int with_priorities)
{
    uint32_t most = count ? count : device.ready ? device.batch : 1, draw, before = batch_number;
    uint32_t *rows, *priorities = NULL;
    int result;
    rows = malloc(most * sizeof *rows);
    if (with_priorities)
        priorities = malloc(most * sizeof *priorities);
    if (rows == NULL || (with_priorities && priorities == NULL))
        abort();
    result = amper_sample(&device, count, rows, priorities);
    if (result == AMPER_OK && device.drawn != most)
        fail("AMPER_OK with another number of draws", (long)device.drawn);
    if (result != AMPER_OK && device.drawn != 0)
        fail("draws with an error", result);
    if (result == AMPER_OK && batch_number == before)
        fail("AMPER_OK without a batch", result);
    for (draw = 0; draw < device.drawn; draw++) {
        if (!plausible(rows[draw], (batch_number + draw) % ROWS))
            fail("a row of another batch", (long)rows[draw]);
        if (priorities != NULL && !plausible(priorities[draw], 1 + batch_number % 200))
            fail("a priority of another batch", (long)priorities[draw]);
    }
    free(rows);
    free(priorities);
    return result;
}

/* The rows of the latest batch, as many as there may be. */
static int update(unsigned codes)
{
    uint32_t rows[AMPER_BATCH_MAX_VALUE_RESET], priorities[AMPER_BATCH_MAX_VALUE_RESET], draw;
    for (draw = 0; draw < device.drawn; draw++) {
        rows[draw] = draw;
        priorities[draw] = (codes + draw) & 0xFFu;
    }
    return amper_update(&device, device.drawn, rows, priorities);
}

static int call(unsigned which)
{
    struct amper_state state;
    uint32_t value;
    static uint32_t place;
    switch (which % 11) {
    case 0: return amper_write(&device, which / 11 % ROWS, 5);
    case 1: return amper_finish(&device);
    case 2: return amper_set(&device, AMPER_BATCH, 1 + which / 11 % AMPER_BATCH_MAX_VALUE_RESET);
    case 3: return sample(0, 1);
    case 4: return sample(1 + which / 11 % AMPER_BATCH_MAX_VALUE_RESET, 1);
    case 5: return sample(1 + which / 11 % AMPER_BATCH_MAX_VALUE_RESET, 0);
    case 6: return which / 11 % 2 ? amper_invalidate(&device, 1) : update(which / 22);
    case 7: return amper_get(&device, AMPER_BATCH, &value);
    case 8: amper_read_state(&device, &state); return AMPER_OK;
    case 9: return which / 11 % 2 ? amper_seed(&device, which) : amper_clear(&device);
    default: return amper_init(&device, &place);
    }
}

/* A call, and the promises about it. */
static void checked_call(unsigned which)
{
    uint32_t before = accesses;
    int was_ready = device.ready, result = call(which);
    int initialises = which % 11 == 10, reads = which % 11 == 8;
    seen[-result]++;
    if (accesses - before > LONGEST)
        fail("a call took so many accesses", (long)(accesses - before));
    if (!was_ready && !initialises && !reads && (result != AMPER_NOT_READY || accesses != before))
        fail("sent to a device that is not ready", result);
    if ((result == AMPER_TIMEOUT || result == AMPER_BAD_ANSWER) && device.ready)
        fail("still ready after", result);
}

/* Without faults from here on: it comes back, with fresh draws. */
static void recover(void)
{
    set_plan((struct plan){NO_FAULT, 0, 0, 0});
    if (!device.ready || device.batch_max != AMPER_BATCH_MAX_VALUE_RESET || device.rows_max != ROWS) {
        if (!device.ready)
            checked_call(3);
        if (call(10) != AMPER_OK)
            fail("does not come back", 0);
    }
    if (amper_write(&device, 0, 9) != AMPER_OK || amper_finish(&device) != AMPER_OK)
        fail("no write afterwards", 0);
}

/* Faults that the device does not know of leave a stale draw at most until the next call, which says so. */
static void check_fresh(void)
{
    int result;
    present = (struct plan){NO_FAULT, 0, 0, 0};
    result = sample(3, 1);
    if (result == AMPER_BAD_ANSWER && call(10) == AMPER_OK)
        result = sample(3, 1);
    if (result != AMPER_OK && !(result == AMPER_TIMEOUT && !device.ready && call(10) == AMPER_OK && sample(3, 1) == AMPER_OK))
        fail("no fresh batch afterwards", result);
}

static const unsigned script[] = {10, 0, 11, 1, 2 + 11 * 2, 3, 4 + 11 * 3, 4, 5 + 11 * 2, 6, 9 + 11, 7, 4, 8, 9, 4, 0, 3, 2, 3};
#define CALLS (sizeof script / sizeof *script)

/* The script with one fault, from a step of the device on; returns its accesses. */
static uint32_t run(struct plan plan, uint32_t step)
{
    unsigned each;
    uint32_t made;
    power_up(step);
    present = plan;
    set_plan(plan);
    device.ready = 0;
    device.batch = 0;
    for (each = 0; each < CALLS; each++)
        checked_call(script[each]);
    made = accesses;
    recover();
    check_fresh();
    return made;
}

static void every_access(void)
{
    static const uint32_t lengths[] = {1, 2, 30, 100, HOLES}, answers[] = {0, 0xFFFFFFFFu, 1, 2, 0x100};
    uint32_t most = run((struct plan){NO_FAULT, 0, 0, 0}, 0), other = run((struct plan){NO_FAULT, 0, 0, 0}, 1), at;
    unsigned each, length;
    most = most > other ? most : other;
    for (at = 0; at < most; at++)
        for (length = 0; length < 3; length++)
            run((struct plan){UPSET, at, lengths[length], 0}, at / 2);
    if (seen[-AMPER_ROW_FAULT] < 100)
        fail("few upsets are told", (long)seen[-AMPER_ROW_FAULT]);
    if (seen[-AMPER_TIMEOUT] || seen[-AMPER_BAD_ANSWER])
        fail("an error without a fault, or by an upset that the device has told", 0);
    for (at = 0; at < most; at++) {
        run((struct plan){RESET, at, 1, 0}, at / 2);
        for (length = 0; length < sizeof lengths / sizeof *lengths; length++) {
            run((struct plan){STALL, at, lengths[length], 0}, at / 2);
            for (each = 0; each < sizeof answers / sizeof *answers; each++)
                run((struct plan){ERROR_ANSWER, at, lengths[length], answers[each]}, at / 2);
        }
    }
}

static void at_random(unsigned rounds)
{
    unsigned round, each;
    power_up(0);
    device.ready = 0;
    device.batch = 0;
    for (round = 0; round < rounds; round++) {
        static const uint32_t answers[] = {0, 0xFFFFFFFFu, 1};
        present = (struct plan){(enum fault)(chance() % 4), chance() % 40, 1 + chance() % 200, answers[chance() % 3]};
        set_plan(present);
        for (each = chance() % 12; each > 0; each--)
            checked_call(chance());
        recover();
        check_fresh();
    }
}

int main(void)
{
    unsigned each;
    every_access();
    at_random(20000);
    printf("%u failures; calls by result:", failures);
    for (each = 0; each < sizeof seen / sizeof *seen; each++)
        printf(" %lu", seen[each]);
    printf("\n");
    return failures != 0;
}
