/* A device in C behind bus_read32 and bus_write32, with faults on command. It draws no sensible rows: draw i of its batch
 * number B has row (B + i) % ROWS and priority 1 + B % 200, so that a stale draw can be told from a fresh one. */
#ifndef FAULTY_DEVICE_H
#define FAULTY_DEVICE_H

#include <stdint.h>

#define ROWS 7u

enum fault { NO_FAULT, STALL, ERROR_ANSWER, RESET, UPSET };

/* A fault from access `at` on, counted from 0. */
struct plan {
    enum fault fault;
    uint32_t at;
    uint32_t length; /* accesses: of a stall, in which the device does nothing, of errors, of a flipped bit in a row */
    uint32_t answer; /* of a read that is not carried out; 1 stands for a random word */
};

extern uint32_t accesses;      /* since the plan */
extern uint32_t batch_number;  /* of the latest batch that it drew */

void power_up(uint32_t now);
void set_plan(struct plan plan);
uint32_t chance(void); /* a random word */

#endif
