#include "places.h"

#include "random.h"

void places_draw(Places *p, uint64_t total, uint64_t *place, int64_t batch)
{
    uint64_t used = ~(uint64_t)0 << (64 - p->place_width);
    for (int64_t i = 0; i < batch; i++)
        place[i] = random_below(stream_next(&p->draw) & used, total);
    if (!p->stratified)
        return;
    for (int bit = 12; bit >= 0; bit--)
        if (batch >> bit & 1) {
            for (uint64_t part = 0; part >> bit == 0; part++)
                place[part] = (part * total + place[part]) >> bit;
            place += (int64_t)1 << bit;
        }
}
