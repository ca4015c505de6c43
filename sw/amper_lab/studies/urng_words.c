/* Words of the AMPER random streams on standard output, fast enough for a statistical battery.

   urng_words ORDER S0 S1 T0 T1 WORDS

   (S0, S1) is the state of the query stream, (T0, T1) that of the draw stream, in decimal. WORDS words are written, all
   that the reader takes if it is 0. Words are raw and in the machine's byte order (amper_lab.studies.urng_statistics reads
   them back and holds the first ones against the Python class), so a reader of 32-bit units meets the low half first.

   The recurrence is xoroshiro128++ 1.0: D. Blackman and S. Vigna, ACM TOMS 47(4), 2021. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_WORDS = 1 << 13 };

struct stream {
    uint64_t s0, s1;
};

static uint64_t rotate_left(uint64_t word, int places) {
    return word << places | word >> (64 - places);
}

static uint64_t next(struct stream *stream) {
    const uint64_t s0 = stream->s0, s1 = stream->s1 ^ s0;
    const uint64_t word = rotate_left(s0 + stream->s1, 17) + s0;
    stream->s0 = rotate_left(s0, 49) ^ s1 ^ s1 << 21;
    stream->s1 = rotate_left(s1, 28);
    return word;
}

static uint64_t bit_reversed(uint64_t word) {
    uint64_t reversed = 0;
    for (int bit = 0; bit < 64; bit++) {
        reversed = reversed << 1 | (word >> bit & 1);
    }
    return reversed;
}

/* Two words at a time, so that the interleaved order needs no state of its own. */
static int next_pair(const char *order, struct stream *query, struct stream *draw, uint64_t pair[2]) {
    const uint64_t first = next(strcmp(order, "draw") ? query : draw);
    const uint64_t second = next(strcmp(order, "draw") && strcmp(order, "interleaved") ? query : draw);
    if (!strcmp(order, "query") || !strcmp(order, "draw") || !strcmp(order, "interleaved")) {
        pair[0] = first;
        pair[1] = second;
        return 2;
    }
    if (!strcmp(order, "reversed")) {
        pair[0] = bit_reversed(first);
        pair[1] = bit_reversed(second);
        return 2;
    }
    if (!strcmp(order, "low32")) { /* two low halves make one word, the earlier one written first */
        const uint32_t halves[2] = {(uint32_t)first, (uint32_t)second};
        memcpy(pair, halves, sizeof halves);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    static uint64_t buffer[BUFFER_WORDS + 1];
    if (argc != 7) {
        fprintf(stderr, "usage: urng_words ORDER S0 S1 T0 T1 WORDS\n");
        return 2;
    }
    struct stream query = {strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)};
    struct stream draw = {strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10)};
    const uint64_t words = strtoull(argv[6], NULL, 10);
    for (uint64_t written = 0; words == 0 || written < words;) {
        size_t filled = 0;
        while (filled < BUFFER_WORDS) {
            const int made = next_pair(argv[1], &query, &draw, buffer + filled);
            if (made == 0) {
                fprintf(stderr, "urng_words: unknown order %s\n", argv[1]);
                return 2;
            }
            filled += made;
        }
        if (words != 0 && filled > words - written) {
            filled = words - written;
        }
        if (fwrite(buffer, sizeof *buffer, filled, stdout) != filled) {
            return 1; /* the reader has what it wanted and closed the pipe */
        }
        written += filled;
    }
    return fflush(stdout) ? 1 : 0;
}
