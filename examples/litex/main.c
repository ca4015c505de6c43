/* Runs on the CPU of soc.py: draws a batch by the driver and compares it with the golden model's. */
#include <stddef.h>

#include "amper.h"
#include "csr.h"
#include "expected.h"
#include "mem.h"

#define DRAWS (sizeof(expected) / sizeof(expected[0]))

static uint32_t rows[DRAWS], priorities[DRAWS];

static volatile uint32_t *csr(uintptr_t address)
{
    return (volatile uint32_t *)address;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (*csr(CSR_UART_TXFULL_ADDR)) {
        }
        *csr(CSR_UART_RXTX_ADDR) = (uint32_t)*text;
    }
}

static void print_number(uint32_t number)
{
    char digits[11];
    unsigned place = sizeof(digits) - 1;
    digits[place] = 0;
    do
        digits[--place] = (char)('0' + number % 10);
    while (number /= 10);
    print(digits + place);
}

/* Draws that are not the expected row with its priority; all of them if the driver reports an error. */
static uint32_t mismatches(struct amper *device)
{
    uint32_t row, draw, wrong = 0;
    if (amper_init(device, (volatile void *)AMPER_BASE) != AMPER_OK || amper_seed(device, SEED) != AMPER_OK)
        return DRAWS;
    for (row = 0; row < device->rows_max; row++)
        amper_write(device, row, 1 + 37 * row);
    if (amper_sample(device, DRAWS, rows, priorities) != AMPER_OK)
        return DRAWS;
    for (draw = 0; draw < DRAWS; draw++)
        wrong += rows[draw] != expected[draw] || priorities[draw] != 1 + 37 * rows[draw];
    return wrong;
}

int main(void)
{
    struct amper device;
    uint32_t wrong = mismatches(&device);
    print_number(device.drawn);
    print(" rows drawn, ");
    print_number(wrong);
    print(wrong ? " of them wrong: FAILED\n" : " of them wrong: PASSED\n");
    while (!*csr(CSR_UART_TXEMPTY_ADDR)) {
    }
    *csr(CSR_SIM_FINISH_FINISH_ADDR) = 1;
    for (;;) {
    }
}
