"""Masters in plain Verilog (masters/), which share nothing with our benches, against the generated sampler.

Each plays a program of writes, legal and not, with any skew, reads constants meanwhile, and takes a batch that has to
be the golden model's: so each command was done once, and what was refused did nothing.
"""

import random
import subprocess
from pathlib import Path

import pytest

from amper import AmperConfig, GoldenModel
from amper_hw.bus.registers import register_map
from amper_hw.output.generate import generate
from amper_verif.harness.simulators import simulator_environment

MASTERS = Path(__file__).parent / "masters"
OKAY, SLVERR = 0, 2
WHOLE = 0b1111


def config_of(bus):
    return AmperConfig(
        rows=13, bank_rows=4, batch=6, priority_width=9, pipeline="shallow", bus=bus, name="replay0", seed=3
    )


def drawn_words(config, codes):
    """The words of RESULT_PACKED that a batch of all gives."""
    model = GoldenModel(config)
    for row, code in enumerate(codes):
        model.write(row, code)
    rows = [int(row) for row in model.sample()]
    last = [place == len(rows) - 1 for place in range(len(rows))]
    return [codes[row] << 16 | 1 << 15 | end << 14 | row for row, end in zip(rows, last, strict=True)]


def program(config, chance):
    """(address, data, strobe, refused) of writes that fill the rows and ask for a batch; the codes."""
    at = {register.name: register.offset for register in register_map(config)}
    refused = [
        (at["ID"], 1, WHOLE),  # read only
        (at["WRITE_ROW"], 1 << 31, WHOLE),  # a reserved bit
        (at["WRITE_ROW"], 5, 0b0111),
        (at["WRITE_PRIORITY"], 77, 0b1000),
        (at["UPDATE"], 1, WHOLE),  # nothing was drawn
        (0xFF8, 0, WHOLE),  # no register
        (at["WRITE_ROW"] + 2, 5, WHOLE),
    ]
    nothing = [(at["WRITE_ROW"], 5, 0), (at["REQUEST"], 0, 0)]  # no byte
    codes = [chance.randrange(1, 1 << config.priority_width) for _ in range(config.rows)]
    writes = [(at["CONTROL"], 0, WHOLE, False)] if config.streams else []
    for row, code in enumerate(codes):
        for access in ((at["WRITE_ROW"], row, WHOLE), (at["WRITE_PRIORITY"], code, WHOLE)):
            writes += [(*chance.choice(refused), True) for _ in range(chance.randrange(3))]
            writes += [(*chance.choice(nothing), False) for _ in range(chance.randrange(2))]
            writes.append((*access, False))
    return [*writes, (at["REQUEST"], 0, WHOLE, False)], codes


def simulate(folder, master, simulator, config, files, **parameters):
    """What a master prints."""
    (folder / "replay0.v").write_text(generate(config).verilog)
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line:x}\n" for line in lines))
    sources = ["replay0.v", str(MASTERS / master)]
    settings = parameters.items()
    if simulator == "icarus":
        options = [f"-Pbench.{name}={value}" for name, value in settings]
        command = ["iverilog", "-g2005", "-s", "bench", "-o", "bench", *options, *sources]
        run = ["vvp", "-n", "bench"]
    else:
        options = [f"-G{name}={value}" for name, value in settings]
        flags = ["-Wno-fatal", "-CFLAGS", "-std=c++20 -fcoroutines -O0", "--top-module", "bench", "-o", "bench"]
        command = ["verilator", "--binary", "--timing", *flags, *options, *sources]
        run = ["obj_dir/bench"]
    for each in (command, run):
        done = subprocess.run(
            each, cwd=folder, env=simulator_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SIMULATORS = ["icarus", pytest.param("verilator", marks=pytest.mark.long)]
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("seed", SEEDS)
def test_axi_lite(tmp_path, simulator, seed):
    """Address before data and data before address, answers that wait, reads and writes at once."""
    config = config_of("axi")
    writes, codes = program(config, random.Random(seed))
    drawn = drawn_words(config, codes)
    fixed = ("ID", "ROWS_MAX", "BATCH_MAX", "PRIORITY_WIDTH")
    by_name = {register.name: register for register in register_map(config)}
    files = {
        "program.hex": [
            ((address << 32 | data) << 4 | strobe) << 2 | (SLVERR if refused else OKAY)
            for address, data, strobe, refused in writes
        ],
        "expected.hex": drawn,
        "constants.hex": [by_name[name].offset << 32 | by_name[name].reset for name in fixed],
    }
    refused = sum(write[-1] for write in writes)
    sizes = {"WRITES": len(writes), "DRAWS": len(drawn), "REFUSED": refused, "SEED": seed}
    assert simulate(tmp_path, "axi_lite.v", simulator, config, files, **sizes).startswith("PASSED")


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("seed", SEEDS)
def test_wishbone(tmp_path, simulator, seed):
    """Classic and pipelined bus cycles, the strobe held or not, and cycles that end before the answer."""
    config = config_of("wishbone")
    chance = random.Random(seed)
    writes, codes = program(config, chance)
    drawn = drawn_words(config, codes)
    register = {each.name: each for each in register_map(config)}
    accesses = []
    for address, data, strobe, refused in writes:
        if address % 4:
            continue  # addresses count words
        accesses.append(1 << 62 | refused << 61 | 1 << 60 | address << 36 | strobe << 32 | data)
        if chance.random() < 0.2:
            accesses.append(1 << 62 | register["ROWS_MAX"].offset << 36 | chance.randrange(16) << 32)
            accesses[-1] |= ((accesses[-1] >> 32 & 15) not in (0, 15)) << 61
    refused = sum(access >> 61 & 1 for access in accesses)
    sizes = {"ACCESSES": len(accesses), "DRAWS": len(drawn), "REFUSED": refused, "SEED": seed}
    files = {"program.hex": accesses, "expected.hex": drawn}
    assert simulate(tmp_path, "wishbone.v", simulator, config, files, **sizes).startswith("PASSED")


FIXED, INCR, WRAP = range(3)


class Bursts:
    """Bursts of the AXI4 master, and what each of their beats is or answers."""

    def __init__(self, chance):
        self.chance = chance
        self.bursts = []
        self.beats = []

    def add(self, address, beats, kind, *, size=2, answer=0):
        identifier = self.chance.randrange(256)
        fields = ((identifier << 12 | address) << 8 | len(beats) - 1) << 4 | size
        self.bursts.append((fields << 4 | kind) << 28 | answer << 24 | len(self.beats))
        self.beats += beats


def burst_reads(config, chance, drawn):
    """Bursts of constants; each word with its answer."""
    register = {each.name: each for each in register_map(config)}
    names = ["ID", "VERSION", "ROWS_MAX", "PRIORITY_WIDTH", "GROUPS_MAX", "BATCH_MAX", "FEATURES", "PORTS"]
    first = [register[name].reset for name in names]
    assert [register[name].offset for name in names] == list(range(0, 32, 4))
    error = SLVERR << 32
    reads = Bursts(chance)
    reads.add(0, first, INCR)
    reads.add(8, first[2:4] + first[:2], WRAP)
    reads.add(20, first[5:8] + first[:5], WRAP)
    reads.add(4, first[1:2] * 5, FIXED)
    reads.add(2, [error, *first[1:3]], INCR)  # unaligned: the beats behind the first are not
    reads.add(0, [error] * 3, INCR, size=1)  # narrow
    reads.add(12, [error] * 2, FIXED, size=0)
    reads.add(0xFFC, [error, *first[:2]], INCR)  # across 4 KiB: from the start again
    reads.add(0, [*first, register["COMMAND_DEPTH"].reset, *[error] * 7], INCR)
    number = len(reads.bursts)
    reads.add(0x400 + 4 * chance.randrange(200), [*drawn, 0, 0], INCR, answer=1)
    reads.add(register["BUS_ERROR_COUNT"].offset, [0], INCR, answer=2)
    return reads, number


def burst_writes(config, chance):
    """The program as bursts, and how many of their beats are refused; the codes."""
    at = {register.name: register.offset for register in register_map(config)}
    writes, codes = program(config, chance)
    bursts = Bursts(chance)
    count = 0
    place = 0

    def beats(words):
        last = len(words) - 1
        return [(number == last) << 36 | strobe << 32 | data for number, (data, strobe) in enumerate(words)]

    while place < len(writes):
        address, data, strobe, refused = writes[place]
        following = writes[place + 1 : place + 2]
        pair = [(data, strobe), following[0][1:3]] if following else []
        if address == at["WRITE_ROW"] and pair and following[0][0] == at["WRITE_PRIORITY"]:
            refusals = refused + following[0][3]
            bursts.add(address, beats(pair), INCR, answer=SLVERR if refusals else 0)
            count += refusals
            place += 2
            continue
        words = [(data, strobe)] * (chance.randrange(1, 6) if refused else 1)
        bursts.add(address, beats(words), FIXED, answer=SLVERR if refused else 0)
        count += refused * len(words)
        place += 1
        if chance.random() < 0.1:
            narrow = [(5, 1 << lane) for lane in range(4)]
            bursts.add(at["WRITE_ROW"], beats(narrow), INCR, size=0, answer=SLVERR)
            count += 4
    return bursts, count, codes


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("seed", SEEDS)
def test_axi4(tmp_path, simulator, seed):
    """Bursts of every kind, also narrow, unaligned and across 4 KiB, with any skew; the batch by one in the window."""
    config = config_of("axi4")
    chance = random.Random(seed)
    writes, refused, codes = burst_writes(config, chance)
    drawn = drawn_words(config, codes)
    reads, number = burst_reads(config, chance, drawn)
    files = {
        "writes.hex": writes.bursts,
        "beats.hex": writes.beats,
        "reads.hex": reads.bursts,
        "words.hex": reads.beats,
        "expected.hex": drawn,
    }
    sizes = {"WRITES": len(writes.bursts), "BEATS": len(writes.beats), "READS": number, "WORDS": len(reads.beats)}
    sizes |= {"DRAWS": len(drawn), "REFUSED": refused, "SEED": seed}
    assert simulate(tmp_path, "axi4.v", simulator, config, files, **sizes).startswith("PASSED")
