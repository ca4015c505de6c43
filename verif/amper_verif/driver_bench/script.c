/* Calls the driver as standard input says, one call a line, and prints what each returned:
 *   init | write ROW PRIORITY | invalidate ROW | clear | finish | set PARAMETER VALUE | get PARAMETER | seed SEED |
 *   sample COUNT -> result, drawn, fell_back, rows and priorities | update COUNT SEED | stream ON | interrupts BITS |
 *   pending | counters -> reads, writes, cycles | state | clear_errors BITS */
#include "bus_access.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "amper.h"

#define MOST 4096

static uint32_t rows[MOST], priorities[MOST]; /* of the latest batch */

/* Draw i of it gets (i + 1) * seed, as many bits of it as a priority has. */
static int update(struct amper *device, uint32_t count, uint32_t seed)
{
    static uint32_t codes[MOST];
    uint32_t draw;
    for (draw = 0; draw < MOST; draw++)
        codes[draw] = (draw + 1) * seed & device->priority_max;
    return amper_update(device, count, rows, codes);
}

static void print_counters(void)
{
    uint32_t counters[3];
    bus_counters(counters);
    printf("%" PRIu32 " %" PRIu32 " %" PRIu32, counters[0], counters[1], counters[2]);
}

static void print_sample(struct amper *device, uint32_t count)
{
    uint32_t draw;
    printf("%d", amper_sample(device, count, rows, priorities));
    printf(" %" PRIu32 " %d", device->drawn, device->fell_back);
    for (draw = 0; draw < device->drawn; draw++)
        printf(" %" PRIu32 " %" PRIu32, rows[draw], priorities[draw]);
}

static void print_state(struct amper *device)
{
    struct amper_state state;
    amper_read_state(device, &state);
    printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32, state.vmax, state.csp_size,
           state.valid_rows, state.searches, state.total, state.errors, state.bus_errors);
}

int run_script(void)
{
    static uint32_t place; /* some address for the driver to carry around */
    struct amper device;
    char call[32];
    uint64_t first, second;
    uint32_t value = 0;
    while (scanf("%31s %" SCNu64 " %" SCNu64, call, &first, &second) == 3) {
        uint32_t a = (uint32_t)first, b = (uint32_t)second;
        if (!strcmp(call, "init"))
            printf("%d", amper_init(&device, &place));
        else if (!strcmp(call, "write"))
            printf("%d", amper_write(&device, a, b));
        else if (!strcmp(call, "invalidate"))
            printf("%d", amper_invalidate(&device, a));
        else if (!strcmp(call, "clear"))
            printf("%d", amper_clear(&device));
        else if (!strcmp(call, "finish"))
            printf("%d", amper_finish(&device));
        else if (!strcmp(call, "set"))
            printf("%d", amper_set(&device, (enum amper_parameter)a, b));
        else if (!strcmp(call, "get")) {
            int result = amper_get(&device, (enum amper_parameter)a, &value);
            printf("%d %" PRIu32, result, value);
        } else if (!strcmp(call, "seed"))
            printf("%d", amper_seed(&device, first));
        else if (!strcmp(call, "sample"))
            print_sample(&device, a);
        else if (!strcmp(call, "update"))
            printf("%d", update(&device, a, b));
        else if (!strcmp(call, "stream"))
            printf("%d", amper_stream_results(&device, (int)a));
        else if (!strcmp(call, "interrupts"))
            amper_enable_interrupts(&device, a);
        else if (!strcmp(call, "pending"))
            printf("%" PRIu32, amper_interrupts(&device));
        else if (!strcmp(call, "counters"))
            print_counters();
        else if (!strcmp(call, "state"))
            print_state(&device);
        else if (!strcmp(call, "clear_errors"))
            amper_clear_bus_errors(&device, a);
        else
            return 1;
        printf("\n");
    }
    return 0;
}
