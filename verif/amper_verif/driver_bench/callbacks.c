/* Every access, and every wait, is a call of a function that is given at run time: for a library that Python loads. */
#include "bus_access.h"

static uint32_t (*given_read)(uint32_t address);
static void (*given_write)(uint32_t address, uint32_t value);
static void (*given_wait)(void);

void set_bus(uint32_t (*read)(uint32_t), void (*write)(uint32_t, uint32_t), void (*wait)(void));
void set_bus(uint32_t (*read)(uint32_t), void (*write)(uint32_t, uint32_t), void (*wait)(void))
{
    given_read = read;
    given_write = write;
    given_wait = wait;
}

uint32_t bus_read32(volatile void *base, uint32_t offset)
{
    return given_read((uint32_t)(uintptr_t)base + offset);
}

void bus_write32(volatile void *base, uint32_t offset, uint32_t value)
{
    given_write((uint32_t)(uintptr_t)base + offset, value);
}

void bus_wait(void)
{
    given_wait();
}
