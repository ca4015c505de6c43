#include "query.h"

#include "random.h"

INLINE Interval radius_interval(double value, double radius)
{
    double high = value + radius;
    return (Interval){code_ceiling(value - radius), code_floor(high)};
}

/* The aligned block of 2^s around the value, 2^(s-1) <= radius < 2^s; twice as large with the dither's chance. */
INLINE Interval block_interval(double value, double radius, double dither, int dithered)
{
    if (!(radius > 0.0))
        return (Interval){1, 0};
    int64_t exponent = (int64_t)(bits_of(radius) >> 52) - 1022;
    double half = from_bits((uint64_t)(exponent + 1022) << 52); /* 2^(s-1) */
    double block = 2.0 * half;
    if (dithered && dither < radius / half - 1.0)
        block = 2.0 * block;
    double low = (double)(int64_t)(value / block) * block;
    return (Interval){code_ceiling(low), code_ceiling(low + block) - 1};
}

/* Codes within `distance` of the value; `base` is code_floor(value), at least CODE_FIRST - 1. */
INLINE Interval within(double value, double distance, int64_t base, int64_t top)
{
    int64_t low = code_ceiling(value - distance), high = code_floor(value + distance);
    low = low > base + 1 ? base + 1 : low;
    high = high > top ? top : high < base ? base : high;
    /* The sums were rounded; the distance itself decides. */
    while (low > CODE_FIRST && value - code_value(low - 1) <= distance)
        low--;
    while (low <= base && value - code_value(low) > distance)
        low++;
    while (high < top && code_value(high + 1) - value <= distance)
        high++;
    while (high > base && code_value(high) - value > distance)
        high--;
    return (Interval){low, high};
}

/* The steps from `base`, downwards or upwards, to the first code whose distance takes in `wanted` rows; limit + 1: none. */
static int64_t enough_steps(const CodeIndex *index, double value, int64_t base, int64_t top, int64_t wanted, int sign,
                            int64_t limit)
{
    int64_t low = 0, high = 0, step = 1; /* low: not enough, counted from 1; high: enough, or beyond the limit */
    for (;;) {
        high = low + step > limit ? limit + 1 : low + step;
        if (high > limit)
            break;
        double distance = sign < 0 ? value - code_value(base + 1 - high) : code_value(base + high) - value;
        Interval reach = within(value, distance, base, top);
        if (index_between(index, reach.low, reach.high) >= wanted)
            break;
        low = high;
        step *= 2;
    }
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        double distance = sign < 0 ? value - code_value(base + 1 - middle) : code_value(base + middle) - value;
        Interval reach = within(value, distance, base, top);
        if (index_between(index, reach.low, reach.high) >= wanted)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The codes of the `wanted` rows nearest to the value and of all as far as the last of them. */
static Interval nearest_interval(const CodeIndex *index, double value, int64_t wanted, int64_t top)
{
    int64_t base = code_floor(value);
    base = base > top ? top : base;
    int64_t down = base - CODE_FIRST + 1, up = top - base;
    int64_t steps = enough_steps(index, value, base, top, wanted, -1, down);
    double distance = -1.0;
    if (steps <= down) {
        distance = value - code_value(base + 1 - steps);
        int64_t reached = within(value, distance, base, top).high - base;
        up = up < reached ? up : reached;
    }
    steps = enough_steps(index, value, base, top, wanted, 1, up);
    if (steps <= up) {
        double other = code_value(base + steps) - value;
        distance = distance < 0.0 || other < distance ? other : distance;
    }
    return within(value, distance, base, top);
}

/* N_i of the group, 0 where it holds no row. */
static int64_t neighbours(const Query *query, const CodeIndex *index, int64_t group, double place, int64_t top)
{
    double groups = (double)query->groups;
    int64_t low = code_ceiling(query->vmax * (double)group / groups);
    int64_t high = group + 1 == query->groups ? top : code_ceiling(query->vmax * (double)(group + 1) / groups) - 1;
    int64_t members = index_between(index, low, high);
    if (members == 0)
        return 0;
    int64_t rows = index_below(index, CODE_LAST + 1);
    double product = query->scale * place * (double)members;
    int64_t wanted = product >= (double)rows ? rows : (int64_t)product;
    wanted += (double)wanted < product && wanted < rows;
    return wanted > 1 ? wanted : 1;
}

INLINE void insert_interval(Query *query, Interval interval, int64_t top)
{
    interval.high = interval.high > top ? top : interval.high;
    if (interval.low > interval.high)
        return;
    int64_t at = query->count++;
    for (; at > 0 && query->interval[at - 1].low > interval.low; at--)
        query->interval[at] = query->interval[at - 1];
    query->interval[at] = interval;
}

/* Make intervals that overlap or touch one. */
static void merge_intervals(Query *query)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < query->count; i++) {
        Interval *last = query->interval + kept - 1;
        if (kept > 0 && query->interval[i].low <= last->high + 1)
            last->high = query->interval[i].high > last->high ? query->interval[i].high : last->high;
        else
            query->interval[kept++] = query->interval[i];
    }
    query->count = kept;
}

void query_search(Query *query, const CodeIndex *index, uint64_t key, uint64_t counter)
{
    int64_t top = index_largest(index);
    double inverse = 1.0 / (double)query->groups;
    double coefficient = query->scale * inverse;
    query->vmax = code_value(top);
    query->count = 0;
    for (int64_t i = 0; i < query->groups; i++) {
        double place = ((double)i + random_unit(key, counter + 2 * (uint64_t)i)) * inverse;
        double value = place * query->vmax, radius = coefficient * value;
        if (query->variant == NEAREST) {
            int64_t wanted = neighbours(query, index, i, place, top);
            if (wanted > 0)
                insert_interval(query, nearest_interval(index, value, wanted, top), top);
        } else if (query->variant == FR) {
            insert_interval(query, radius_interval(value, radius), top);
        } else {
            double dither = random_unit(key, counter + 2 * (uint64_t)i + 1);
            insert_interval(query, block_interval(value, radius, dither, query->variant == FR_DITHERED), top);
        }
    }
    merge_intervals(query);
}

void query_mark(Query *query, uint64_t ones)
{
    for (int64_t i = 0; i < query->count; i++) {
        int64_t low = query->interval[i].low, high = query->interval[i].high;
        for (int64_t word = low >> 6; word <= high >> 6; word++) {
            uint64_t mask = ~(uint64_t)0;
            if (word == low >> 6)
                mask &= ~(uint64_t)0 << (low & 63);
            if (word == high >> 6)
                mask &= ~(uint64_t)0 >> (63 - (high & 63));
            query->member[word] = (query->member[word] & ~mask) | (ones & mask);
        }
    }
}

int64_t query_rows(const Query *query, const CodeIndex *index)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < query->count; i++)
        rows += index_between(index, query->interval[i].low, query->interval[i].high);
    return rows;
}
