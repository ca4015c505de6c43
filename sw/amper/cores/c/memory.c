#include "memory.h"

#include <stdlib.h>

#include "compiler.h"

void *lines_new(int64_t bytes, void **memory)
{
    *memory = calloc((size_t)bytes + CACHE_LINE, 1);
    return *memory == NULL ? NULL : (void *)(((uintptr_t)*memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

int make_room(void **array, int64_t *room, int64_t count, size_t size)
{
    if (count <= *room)
        return 0;
    void *larger = realloc(*array, (size_t)count * size);
    if (larger == NULL)
        return -1;
    *array = larger;
    *room = count;
    return 0;
}
