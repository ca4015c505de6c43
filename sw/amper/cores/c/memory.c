#include "memory.h"

#include <stdlib.h>

#include "compiler.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define HUGE_PAGE ((uintptr_t)1 << 21)

/* Ask for huge pages where whole ones fit: of random accesses to so much, most would miss the TLB too. A wish, which may
 * be refused. */
static void ask_for_huge_pages(void *memory, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    uintptr_t first = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (end > first)
        madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}

void *lines_new(int64_t bytes, void **memory)
{
    *memory = calloc((size_t)bytes + CACHE_LINE, 1);
    if (*memory != NULL)
        ask_for_huge_pages(*memory, (size_t)bytes + CACHE_LINE);
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
