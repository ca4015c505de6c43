/* Memory: in whole cache lines, and scratch that grows. */
#ifndef AMPER_MEMORY_H
#define AMPER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* `bytes` of zeros that begin with a cache line, so that 16 entries of whatever kind lie in whole ones; NULL without
 * memory. `memory` is what has to be freed. */
void *lines_new(int64_t bytes, void **memory);

/* Make a scratch array of `room` elements hold `count`; -1 without memory. */
int make_room(void **array, int64_t *room, int64_t count, size_t size);

#endif
