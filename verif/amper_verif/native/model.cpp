// The generated sampler as a shared library: whole operations in one call each, over the ports of docs/hardware/interfaces.md.
// The macros AMPER_... are widths and ports of the configuration, whether a variant with a candidate set is built in, the
// last status of a batch that was drawn, the number of variant exact, and numbers of parameters.
#include "Vamper.h"
#include "verilated.h"

#include <cstdint>

namespace {

// What a call returns; amper_verif.native.backend has the same numbers.
enum Outcome { DONE, WRITE_REFUSED, CHANGE_REFUSED, WRITE_HANGS, CHANGE_HANGS, REQUEST_HANGS, RESULT_HANGS, BAD_RESULT };

// Calls of a program; amper_verif.native.program has the same numbers.
enum Kind { WRITE, CHANGE, SAMPLE };

enum Parameter { GROUPS = AMPER_GROUPS, VARIANT = AMPER_VARIANT, BATCH = AMPER_BATCH, QUERY_STATE = AMPER_QUERY_STATE_0, DRAW_STATE = AMPER_DRAW_STATE_0 };

// Fields of ports, which Verilator makes an integer up to 64 bits and an array of 32-bit words above.
template <typename Port> void set_field(Port &port, unsigned low, unsigned width, uint64_t value) {
    const uint64_t mask = (uint64_t{1} << width) - 1;
    port = static_cast<Port>((port & ~(mask << low)) | ((value & mask) << low));
}

template <std::size_t N> void set_field(VlWide<N> &port, unsigned low, unsigned width, uint64_t value) {
    for (unsigned bit = 0; bit < width; bit++) {
        const unsigned at = low + bit;
        const EData one = EData{1} << (at % 32);
        port.at(at / 32) = value >> bit & 1 ? port.at(at / 32) | one : port.at(at / 32) & ~one;
    }
}

template <typename Port> uint64_t field(const Port &port, unsigned low, unsigned width) {
    return static_cast<uint64_t>(port) >> low & ((uint64_t{1} << width) - 1);
}

template <std::size_t N> uint64_t field(const VlWide<N> &port, unsigned low, unsigned width) {
    uint64_t value = 0;
    for (unsigned bit = 0; bit < width; bit++)
        value |= static_cast<uint64_t>(port.at((low + bit) / 32) >> ((low + bit) % 32) & 1) << bit;
    return value;
}

// xoroshiro128++, docs/reference/algorithm.md. The streams of the hardware cannot be read back, so each is followed here.
struct Stream {
    uint64_t s0, s1;

    void advance(uint64_t words) {
        for (; words > 0; words--) {
            s1 ^= s0;
            s0 = (s0 << 49 | s0 >> 15) ^ s1 ^ s1 << 21;
            s1 = s1 << 28 | s1 >> 36;
        }
    }

    // Parameters QUERY_STATE_0 to 3, or DRAW_STATE_0 to 3.
    void set_word(unsigned word, uint64_t value) {
        uint64_t &half = word < 2 ? s0 : s1;
        half = word % 2 ? (half & 0xFFFFFFFFu) | value << 32 : (half & ~uint64_t{0xFFFFFFFFu}) | value;
    }
};

struct Device {
    VerilatedContext context;
    Vamper top;
    uint64_t cycles = 0;  // since the reset
    uint64_t deadline;    // cycles that a transfer may be waited for
    bool write_refused = false;
    uint32_t groups, variant, batch = 0;  // batch: of a request that does not say, once it was set
    Stream query, draw;

    Device(uint64_t limit, uint32_t m, uint32_t v, const uint64_t *states)
        : top(&context), deadline(limit), groups(m), variant(v), query{states[0], states[1]}, draw{states[2], states[3]} {
        top.rst = 1;
        tick();
        tick();
        top.rst = 0;
        cycles = 0;
    }

    // Inputs are set, outputs seen as they are before the next rising edge.
    void settle() {
        top.clk = 0;
        top.eval();
    }

    void edge() {
        write_refused |= top.write_refused;
        top.clk = 1;
        top.eval();
        cycles++;
    }

    void tick() {
        settle();
        edge();
    }

    // Cycles until `ready`, and the edge of the transfer; false if it never comes.
    template <typename Ready> bool transfer(const Ready &ready) {
        for (uint64_t waited = 0; waited < deadline; waited++) {
            settle();
            const bool taken = ready != 0;
            edge();
            if (taken)
                return true;
        }
        return false;
    }

    int write(const int64_t *row, const int64_t *code, int64_t count) {
        bool taken = true;
        top.write_valid = 1;
        for (int64_t begin = 0; begin < count && taken; begin += AMPER_WRITE_PORTS) {
            unsigned lanes = 0, invalidate = 0;
            for (unsigned lane = 0; lane < AMPER_WRITE_PORTS && begin + lane < count; lane++) {
                const int64_t at = begin + lane;
                set_field(top.write_row, lane * AMPER_ROW_WIDTH, AMPER_ROW_WIDTH, row[at]);
                set_field(top.write_priority, lane * AMPER_PRIORITY_WIDTH, AMPER_PRIORITY_WIDTH, code[at]);
                invalidate |= static_cast<unsigned>(code[at] == 0) << lane;
                lanes |= 1u << lane;
            }
            top.write_invalidate = invalidate;
#if AMPER_WRITE_PORTS > 1
            top.write_lanes = lanes;
#endif
            taken = transfer(top.write_ready);
        }
        top.write_valid = 0;
        if (!taken)
            return WRITE_HANGS;
        settle();  // the report of the last beat is there before the next edge
        return write_refused || top.write_refused ? WRITE_REFUSED : DONE;
    }

    int change(uint32_t parameter, uint32_t value) {
        top.control_valid = 1;
        top.control_parameter = parameter;
        top.control_value = value;
        const bool taken = transfer(top.control_ready);
        top.control_valid = 0;
        if (!taken)
            return CHANGE_HANGS;
        settle();
        if (top.control_refused)
            return CHANGE_REFUSED;
        if (parameter == GROUPS)
            groups = value;
        else if (parameter == VARIANT)
            variant = value;
        else if (parameter == BATCH)
            batch = value;
        else if (parameter >= DRAW_STATE)
            draw.set_word(parameter - DRAW_STATE, value);
        else if (parameter >= QUERY_STATE)
            query.set_word(parameter - QUERY_STATE, value);
        return DONE;
    }

    int sample(int64_t batch, int64_t *row, int64_t *status, int64_t *csp_size) {
        top.request_valid = 1;
        top.request_batch = batch;
        const bool requested = transfer(top.request_ready);
        top.request_valid = 0;
        if (!requested)
            return REQUEST_HANGS;
        top.result_ready = 1;
        int64_t drawn = 0;
        bool last = false;
        while (!last) {
            uint64_t waited = 0;
            for (settle(); !top.result_valid && waited < deadline; settle(), waited++)
                edge();
            if (!top.result_valid)
                return RESULT_HANGS;
            unsigned lanes = 1;
#if AMPER_DRAW_PORTS > 1
            lanes = top.result_lanes;
#endif
            for (unsigned lane = 0; lane < AMPER_DRAW_PORTS; lane++)
                if (lanes >> lane & 1) {
                    if (drawn == batch)
                        return BAD_RESULT;
                    row[drawn++] = field(top.result_row, lane * AMPER_ROW_WIDTH, AMPER_ROW_WIDTH);
                }
            *status = top.result_status;
#if AMPER_CANDIDATES
            *csp_size = variant == AMPER_EXACT ? 0 : top.csp_size;
#else
            *csp_size = 0;
#endif
            last = top.result_last;
            edge();
        }
        top.result_ready = 0;
        if (*status > AMPER_FALLBACK)
            return DONE;
        query.advance(variant == AMPER_EXACT ? 0 : groups);
        draw.advance(batch);
        return drawn == batch ? DONE : BAD_RESULT;
    }

    // Calls that need not be legal. Call i is of kind[i]: a write of second[i] rows and codes from place first[i] on, a
    // change of parameter first[i] to second[i], or a request of first[i] draws, 0 for as many as the parameter says.
    // outcome: 1 where something was refused, or the status; size: draws, which follow each other in `drawn`. Returns how
    // many calls were made: all, or as many as came before one that failed, whose outcome says how.
    int64_t run(int64_t count, const int64_t *kind, const int64_t *first, const int64_t *second, const int64_t *row,
                const int64_t *code, int64_t *outcome, int64_t *csp_size, int64_t *size, int64_t *drawn) {
        for (int64_t at = 0; at < count; at++) {
            int done;
            int64_t status = 0;
            if (kind[at] == WRITE) {
                write_refused = false;
                done = write(row + first[at], code + first[at], second[at]);
                if (done == WRITE_REFUSED)
                    tick();  // or the next write would see this report
            } else if (kind[at] == CHANGE) {
                done = change(first[at], second[at]);
            } else {
                const int64_t asked = first[at] ? first[at] : batch;
                done = sample(asked, drawn, &status, csp_size + at);
                if (status <= AMPER_FALLBACK)
                    drawn += size[at] = asked;
                else
                    csp_size[at] = 0;
            }
            const bool refused = done == WRITE_REFUSED || done == CHANGE_REFUSED;
            outcome[at] = refused ? 1 : done == DONE ? status : done;
            if (done != DONE && !refused)
                return at;
        }
        return count;
    }
};

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

// states: s0 and s1 of the query stream and of the draw stream after reset; groups, variant: after
// reset.
EXPORT void *amper_open(uint64_t deadline, uint32_t groups, uint32_t variant, const uint64_t *states) {
    return new Device(deadline, groups, variant, states);
}

EXPORT void amper_close(void *device) { delete static_cast<Device *>(device); }
EXPORT uint64_t amper_cycles(void *device) { return static_cast<Device *>(device)->cycles; }

EXPORT int amper_write(void *device, const int64_t *row, const int64_t *code, int64_t count) {
    return static_cast<Device *>(device)->write(row, code, count);
}

EXPORT int amper_change(void *device, uint32_t parameter, uint32_t value) {
    return static_cast<Device *>(device)->change(parameter, value);
}

EXPORT int amper_sample(void *device, int64_t batch, int64_t *row, int64_t *status, int64_t *csp_size) {
    return static_cast<Device *>(device)->sample(batch, row, status, csp_size);
}

EXPORT int64_t amper_run(void *device, int64_t count, const int64_t *kind, const int64_t *first, const int64_t *second,
                         const int64_t *row, const int64_t *code, int64_t *outcome, int64_t *csp_size, int64_t *size,
                         int64_t *drawn) {
    return static_cast<Device *>(device)->run(count, kind, first, second, row, code, outcome, csp_size, size, drawn);
}

EXPORT void amper_streams(void *device, uint64_t *states) {
    const auto *from = static_cast<Device *>(device);
    states[0] = from->query.s0;
    states[1] = from->query.s1;
    states[2] = from->draw.s0;
    states[3] = from->draw.s1;
}
