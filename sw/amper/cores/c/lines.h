/* Memory that begins with a cache line, so that 16 entries of whatever kind lie in whole ones. */
#ifndef AMPER_LINES_H
#define AMPER_LINES_H

#include <stdint.h>
#include <stdlib.h>

#define CACHE_LINE 64

/* `bytes` of zeros; NULL without memory. `memory` is what has to be freed. */
static void *lines_new(int64_t bytes, void **memory)
{
    *memory = calloc((size_t)bytes + CACHE_LINE, 1);
    return *memory == NULL ? NULL : (void *)(((uintptr_t)*memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

#endif
