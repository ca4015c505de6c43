// A bus master around the Verilator model: every access of the driver becomes a transfer on AXI4-Lite (AMPER_AXI
// defined), AXI4 (AMPER_AXI4; the window by bursts) or Wishbone (AMPER_CLASSIC: classic cycles). An error answer, or none, ends the program: the driver must never cause one.
#include "Vamper.h"
#include "bus_access.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>

static Vamper *top;
static const int DEADLINE = 10000;  // cycles

static uint32_t counted[3];  // reads, writes, cycles

static void tick() {
    counted[2]++;
    top->clk = 0;
    top->eval();
    top->clk = 1;
    top->eval();
}

static void require(bool good, const char *what, uint32_t offset) {
    if (good) return;
    std::fprintf(stderr, "harness: %s at 0x%03x\n", what, offset);
    std::exit(3);
}

#ifdef AMPER_AXI
uint32_t bus_read32(volatile void *, uint32_t offset) {
    counted[0]++;
    top->s_axil_araddr = offset;
    top->s_axil_arvalid = 1;
    top->s_axil_rready = 1;
    for (int cycle = 0; cycle < DEADLINE; cycle++) {
        top->eval();
        bool address = top->s_axil_arvalid && top->s_axil_arready;
        bool answer = top->s_axil_rvalid;
        uint32_t data = top->s_axil_rdata, response = top->s_axil_rresp;
        tick();
        if (address) top->s_axil_arvalid = 0;
        if (answer) {
            require(response == 0, "error answer to a read", offset);
            return data;
        }
    }
    require(false, "no answer to a read", offset);
    return 0;
}

void bus_write32(volatile void *, uint32_t offset, uint32_t value) {
    counted[1]++;
    top->s_axil_awaddr = offset;
    top->s_axil_wdata = value;
    top->s_axil_wstrb = 15;
    top->s_axil_awvalid = top->s_axil_wvalid = top->s_axil_bready = 1;
    for (int cycle = 0; cycle < DEADLINE; cycle++) {
        top->eval();
        bool address = top->s_axil_awvalid && top->s_axil_awready;
        bool data = top->s_axil_wvalid && top->s_axil_wready;
        bool answer = top->s_axil_bvalid;
        uint32_t response = top->s_axil_bresp;
        tick();
        if (address) top->s_axil_awvalid = 0;
        if (data) top->s_axil_wvalid = 0;
        if (answer) {
            require(response == 0, "error answer to a write", offset);
            return;
        }
    }
    require(false, "no answer to a write", offset);
}
#elif defined AMPER_AXI4
static void read_burst(uint32_t offset, uint32_t *words, uint32_t count) {
    counted[0]++;
    top->s_axi_araddr = offset;
    top->s_axi_arlen = count - 1;
    top->s_axi_arsize = 2;
    top->s_axi_arburst = 1;
    top->s_axi_arvalid = top->s_axi_rready = 1;
    uint32_t taken = 0;
    for (int cycle = 0; cycle < DEADLINE; cycle++) {
        top->eval();
        bool address = top->s_axi_arvalid && top->s_axi_arready;
        bool beat = top->s_axi_rvalid, last = top->s_axi_rlast;
        uint32_t data = top->s_axi_rdata, response = top->s_axi_rresp;
        tick();
        if (address) top->s_axi_arvalid = 0;
        if (!beat) continue;
        require(response == 0, "error answer to a read", offset);
        words[taken++] = data;
        require(last == (taken == count), "RLAST at the wrong beat", offset);
        if (last) return;
    }
    require(false, "no answer to a read", offset);
}

static void write_burst(uint32_t offset, const uint32_t *words, uint32_t count) {
    counted[1]++;
    top->s_axi_awaddr = offset;
    top->s_axi_awlen = count - 1;
    top->s_axi_awsize = 2;
    top->s_axi_awburst = 1;
    top->s_axi_wstrb = 15;
    top->s_axi_awvalid = top->s_axi_wvalid = top->s_axi_bready = 1;
    uint32_t given = 0;
    for (int cycle = 0; cycle < DEADLINE; cycle++) {
        top->s_axi_wdata = words[given < count ? given : 0];
        top->s_axi_wlast = given + 1 == count;
        top->eval();
        bool address = top->s_axi_awvalid && top->s_axi_awready;
        bool data = top->s_axi_wvalid && top->s_axi_wready;
        bool answer = top->s_axi_bvalid;
        uint32_t response = top->s_axi_bresp;
        tick();
        if (address) top->s_axi_awvalid = 0;
        if (data && ++given == count) top->s_axi_wvalid = 0;
        if (answer) {
            require(response == 0, "error answer to a write", offset);
            return;
        }
    }
    require(false, "no answer to a write", offset);
}

uint32_t bus_read32(volatile void *, uint32_t offset) {
    uint32_t word;
    read_burst(offset, &word, 1);
    return word;
}

void bus_write32(volatile void *, uint32_t offset, uint32_t value) { write_burst(offset, &value, 1); }

void bus_read_window(volatile void *, uint32_t *words, uint32_t count) { read_burst(0x400, words, count); }

void bus_write_window(volatile void *, const uint32_t *words, uint32_t count) { write_burst(0x400, words, count); }
#else
#ifdef AMPER_CLASSIC
static const bool classic = true;
#else
static const bool classic = false;
#endif

static uint32_t access_bus(bool write, uint32_t offset, uint32_t value) {
    top->wb_cyc = top->wb_stb = 1;
    top->wb_we = write;
    top->wb_adr = offset >> 2;
    top->wb_dat_i = value;
    top->wb_sel = 15;
    for (int cycle = 0; cycle < DEADLINE; cycle++) {
        top->eval();
        bool taken = top->wb_stb && !top->wb_stall;
        bool answer = top->wb_ack || top->wb_err, error = top->wb_err;
        uint32_t data = top->wb_dat_o;
        tick();
        if (taken && !classic) top->wb_stb = 0;
        if (answer) {
            top->wb_cyc = top->wb_stb = 0;
            require(!error, write ? "error answer to a write" : "error answer to a read", offset);
            return data;
        }
    }
    require(false, "no answer", offset);
    return 0;
}

uint32_t bus_read32(volatile void *, uint32_t offset) {
    counted[0]++;
    return access_bus(false, offset, 0);
}

void bus_write32(volatile void *, uint32_t offset, uint32_t value) {
    counted[1]++;
    access_bus(true, offset, value);
}
#endif

void bus_wait(void) {
    for (int cycle = 0; cycle < DEADLINE && !top->irq; cycle++) tick();
}

void bus_counters(uint32_t counters[3]) {
    for (int which = 0; which < 3; which++) {
        counters[which] = counted[which];
        counted[which] = 0;
    }
}

int main() {
    top = new Vamper;
    top->rst = 1;
    tick();
    tick();
    top->rst = 0;
    return run_script();
}
