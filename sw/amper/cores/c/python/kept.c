#include "kept.h"

#include <stdlib.h>
#include <string.h>

#define SMALL 65536 /* bytes that stay when there is no reader */

void kept_open(Kept *kept, Reader *reader)
{
    Reader **end = &kept->oldest;
    if (*end == NULL)
        kept->first = kept->written;
    while (*end)
        end = &(*end)->next;
    *reader = (Reader){kept->written, NULL};
    *end = reader;
}

void kept_close(Kept *kept, Reader *reader)
{
    Reader **at = &kept->oldest;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    if (kept->oldest == NULL && kept->room * kept->bytes > SMALL)
        kept_free(kept);
}

int kept_reserve(Kept *kept, int64_t count)
{
    if (kept->oldest == NULL)
        return 0;
    int64_t gone = kept->oldest->since - kept->first, used = kept->written - kept->oldest->since;
    if (used + gone + count <= kept->room)
        return 0;
    if (gone) { /* nobody needs those any more */
        memmove(kept->row, kept->row + gone * kept->bytes, (size_t)(used * kept->bytes));
        kept->first += gone;
    }
    int64_t room = kept->room;
    while (room < used + count)
        room = room ? 2 * room : 16;
    if (room == kept->room)
        return 0;
    char *row = room <= KEPT_MOST / kept->bytes ? realloc(kept->row, (size_t)(room * kept->bytes)) : NULL;
    if (row == NULL)
        return -1;
    kept->row = row;
    kept->room = room;
    return 0;
}

void kept_write(Kept *kept, const char *row)
{
    if (kept->oldest)
        memcpy(kept->row + (kept->written - kept->first) * kept->bytes, row, (size_t)kept->bytes);
    kept->written++;
}

const char *kept_row(const Kept *kept, int64_t write)
{
    return kept->row + (write - kept->first) * kept->bytes;
}

void kept_free(Kept *kept)
{
    free(kept->row);
    kept->row = NULL;
    kept->room = 0;
}
