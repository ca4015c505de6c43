/* Bare-metal driver of the AMPER sampler behind its registers (AXI4-Lite, AXI4 or Wishbone). C99, no allocation.
 *
 * Include this file, compile amper.c, amper_queue.c, amper_batch.c and amper_seed.c.
 * Parameters, their rules and when they take effect: docs/hardware/parameters.md. Registers: amper_regs.h.
 * A device has one user: nothing here may be interrupted by another call for the same device.
 */
#ifndef AMPER_H
#define AMPER_H

#include <stdint.h>

#include "amper_regs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How registers are reached. Define both before this file is included where a plain access is not enough, or where the
 * bus can answer an error that must not go unnoticed. */
#ifndef AMPER_READ32
#define AMPER_READ32(base, offset) (*(volatile uint32_t *)(volatile void *)((volatile uint8_t *)(base) + (offset)))
#endif
#ifndef AMPER_WRITE32
#define AMPER_WRITE32(base, offset, value) \
    (*(volatile uint32_t *)(volatile void *)((volatile uint8_t *)(base) + (offset)) = (uint32_t)(value))
#endif

/* How often a register is read in wait of something before the answer is AMPER_TIMEOUT. */
#ifndef AMPER_POLLS
#define AMPER_POLLS 1000000u
#endif

/* What to do between two reads in wait of a draw: nothing, or wait for the interrupt RESULT, which must then be
 * enabled. */
#ifndef AMPER_WAIT
#define AMPER_WAIT(device) ((void)(device))
#endif

/* Bursts: `count` words from the window (AXI4), or to it. Define them where a DMA or a load of many words makes bursts;
 * AMPER_BURST is the most words of one. */
#ifndef AMPER_READ_WINDOW
#define AMPER_READ_WINDOW(base, words, count) amper_read_window(base, words, count)
#endif
#ifndef AMPER_WRITE_WINDOW
#define AMPER_WRITE_WINDOW(base, words, count) amper_write_window(base, words, count)
#endif
#define AMPER_BURST 64u

enum amper_result {
    AMPER_OK = 0,
    AMPER_NO_DEVICE = -1,    /* there is something else at this address */
    AMPER_NO_VERSION = -2,   /* its registers have another major version than this driver */
    AMPER_BAD_ARGUMENT = -3, /* refused by the driver; nothing was sent to the device */
    AMPER_REFUSED = -4,      /* refused by the device, which changed nothing */
    AMPER_NO_VALID_ROW = -5, /* there is nothing to draw from */
    AMPER_DISABLED = -6,     /* the parameter ENABLE is 0 */
    AMPER_TIMEOUT = -7,      /* the device did not get ready in AMPER_POLLS reads */
    AMPER_BAD_ANSWER = -8,   /* the device answered what no device does */
    AMPER_ROW_FAULT = -10,   /* a row's bit has flipped: the device repairs itself, or rows must be written anew */
    AMPER_NOT_READY = -9     /* amper_init has not been AMPER_OK since the latest AMPER_TIMEOUT or AMPER_BAD_ANSWER */
};

#ifdef AMPER_WINDOW
/* Word by word, at ascending addresses. */
void amper_read_window(volatile void *base, uint32_t *words, uint32_t count);
void amper_write_window(volatile void *base, const uint32_t *words, uint32_t count);
#endif

/* A device; only amper_init writes what is in it. */
struct amper {
    volatile void *base;
    uint32_t rows_max;
    uint32_t batch_max;
    uint32_t priority_max;
    uint32_t batch;   /* the parameter BATCH */
    int ready;        /* 0 once an answer was missing or bad: then nothing is sent until amper_init is AMPER_OK again */
    uint32_t free;    /* at least so many places of the command queue are free */
    uint32_t drawn;   /* draws that the latest amper_sample stored */
    int packed;       /* whether it has packed registers */
    int window;       /* whether bursts reach them */
    int remembers;    /* whether it still knows the rows of the latest amper_sample */
    int to_stream;    /* whether results go to the stream */
    int fell_back;    /* whether its candidate set was empty, so that it drew from all valid rows */
};

/* What can be read back at any time. */
struct amper_state {
    uint32_t busy;
    uint32_t vmax, vmax_exact, csp_size, valid_rows;
    uint64_t total; /* T of variant exact's latest batch: row j had the chance p_j / T; 0 where it is not built in */
    uint32_t searches, cycles, errors;
    uint32_t bus_errors, bus_error_count;
    uint32_t faults_repaired, faults_lost, lost_row; /* flipped bits of rows in RAM, with protection; else 0 */
};

/* Find the device at `base`, wait until it does nothing, send its results to the registers and drop those that are left
 * over. After AMPER_TIMEOUT or AMPER_BAD_ANSWER of any function, call it again: until it is AMPER_OK the others say
 * AMPER_NOT_READY. Rows and parameters stay as they are, unless the device was reset. */
int amper_init(struct amper *device, volatile void *base);

/* Set a parameter; AMPER_REFUSED if the device does not accept the value. Of VARIANT: one of enum amper_variant. */
int amper_set(struct amper *device, enum amper_parameter parameter, uint32_t value);

/* The value of a parameter in force; AMPER_BAD_ARGUMENT for CLEAR and the states, which cannot be read. */
int amper_get(struct amper *device, enum amper_parameter parameter, uint32_t *value);

/* Put both random streams to their start for a seed. */
int amper_seed(struct amper *device, uint64_t seed);

/* Store a priority code in a row, which becomes valid. AMPER_REFUSED, for a row that is not in use, comes from
 * amper_finish. */
int amper_write(struct amper *device, uint32_t row, uint32_t priority);

/* Make a row invalid; otherwise like amper_write. Where variant exact is built in, so does amper_write of 0. */
int amper_invalidate(struct amper *device, uint32_t row);

/* Make every row invalid. */
int amper_clear(struct amper *device);

/* Wait until every write and invalidation was taken; AMPER_REFUSED if the last one of them was refused. */
int amper_finish(struct amper *device);

/* Draw `count` rows, or as many as BATCH says for 0: `rows` and `priorities`, which may be NULL, must have room for
 * them. device->drawn and device->fell_back say more. On an error device->drawn is 0. */
int amper_sample(struct amper *device, uint32_t count, uint32_t *rows, uint32_t *priorities);

/* New priorities for the first `count` rows of the latest amper_sample, in their order; `rows` as it gave them. With
 * packed registers the first call after it takes a write for two of them. Otherwise like amper_write for each. */
int amper_update(struct amper *device, uint32_t count, const uint32_t *rows, const uint32_t *priorities);

/* Send results to the stream (AXI), or back to the registers; until then amper_sample is AMPER_BAD_ARGUMENT. To be
 * called while no batch is under way; AMPER_BAD_ARGUMENT where there is no stream. */
int amper_stream_results(struct amper *device, int on);

/* Interrupt while one of `bits` of IRQ_STATUS is 1; 0 for never. What of it is 1 now. */
void amper_enable_interrupts(const struct amper *device, uint32_t bits);
uint32_t amper_interrupts(const struct amper *device);

/* Read the state of the device. */
void amper_read_state(struct amper *device, struct amper_state *state);

/* Clear the sticky bits of BUS_ERRORS that are 1 in `bits`. */
void amper_clear_bus_errors(struct amper *device, uint32_t bits);

#ifdef __cplusplus
}
#endif

#endif
