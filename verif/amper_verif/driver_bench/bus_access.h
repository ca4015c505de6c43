/* The driver's accesses, made by the simulated bus. */
#ifndef BUS_ACCESS_H
#define BUS_ACCESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
uint32_t bus_read32(volatile void *base, uint32_t offset);
void bus_write32(volatile void *base, uint32_t offset, uint32_t value);
void bus_read_window(volatile void *base, uint32_t *words, uint32_t count);
void bus_write_window(volatile void *base, const uint32_t *words, uint32_t count);
void bus_wait(void);                     /* until irq, for some time */
void bus_counters(uint32_t counters[3]); /* reads, writes and clock cycles since the last call */
int run_script(void);
#ifdef __cplusplus
}
#endif

#define AMPER_READ32(base, offset) bus_read32(base, offset)
#define AMPER_WRITE32(base, offset, value) bus_write32(base, offset, value)
#define AMPER_WAIT(device) bus_wait()
#ifdef BUS_WINDOW
#define AMPER_READ_WINDOW(base, words, count) bus_read_window(base, words, count)
#define AMPER_WRITE_WINDOW(base, words, count) bus_write_window(base, words, count)
#endif

#endif
