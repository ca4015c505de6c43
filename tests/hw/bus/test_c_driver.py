"""The C driver: on the simulated sampler behind each bus it draws what the golden model draws."""

import random
import re
import subprocess
from pathlib import Path

import pytest

from amper import VARIANTS, AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter
from amper_hw.output.register_files import DRIVER_SOURCES, register_files
from amper_verif.harness.driver import WARNINGS, DriverSimulation, compile_c, compile_faults, write_sources
from amper_verif.register_cycles import measured

OK, BAD_ARGUMENT, REFUSED, NO_VALID_ROW, DISABLED, TIMEOUT, BAD_ANSWER, NOT_READY = 0, -3, -4, -5, -6, -7, -8, -9

CONFIGURATIONS = {
    "packed": AmperConfig(
        rows=20,
        bank_rows=8,
        priority_width=8,
        groups=4,
        batch=7,
        variants=VARIANTS,
        variant="exact",
        draws="stratified",
        draw_ports=2,
        bus="axi",
    ),
    "single": AmperConfig(
        rows=7, bank_rows=4, fan_out=2, priority_width=30, batch=5, variant="exact", pipeline="shallow", bus="wishbone"
    ),
    "bursts": AmperConfig(rows=11, bank_rows=4, priority_width=8, batch=9, pipeline="shallow", bus="axi4"),
}


class Script:
    """Calls of the driver, and what the golden model says that they return."""

    def __init__(self, config, seed):
        self.config = config
        self.model = GoldenModel(config)
        self.chance = random.Random(seed)
        self.calls = [("init", 0, 0)]
        self.wanted = [[OK]]
        self.draws = 0

    def add(self, wanted, name, first=0, second=0):
        self.calls.append((name, first, second))
        self.wanted.append(wanted)

    def write(self):
        row = self.chance.randrange(self.config.rows + 1)
        legal = row < self.config.rows
        if self.chance.random() < 0.2:
            self.add([OK if legal else BAD_ARGUMENT], "invalidate", row)
        else:
            code = self.chance.randint(0, self.config.priority_max)
            self.add([OK if legal else BAD_ARGUMENT], "write", row, code)
        # What is outside the rows in use is refused by the device, not by the driver.
        result = OK
        if legal:
            try:
                self.model.invalidate(row) if self.calls[-1][0] == "invalidate" else self.model.write(row, code)
            except ValueError:
                result = REFUSED
            self.add([result], "finish")

    def set(self, parameter, value):
        try:
            self.model.set_parameter(parameter, value)
        except ValueError:
            self.add([REFUSED], "set", parameter, value)
        else:
            self.add([OK], "set", parameter, value)
        if parameter <= Parameter.ENABLE:
            self.add([OK, self.model.get_parameter(parameter)], "get", parameter)

    def seed(self):
        value = self.chance.choice((0, 1, self.chance.getrandbits(64)))
        self.add([OK], "seed", value)
        fresh = GoldenModel(AmperConfig(rows=1, seed=value))
        alone = self.config.variants == ("exact",)  # without a query stream
        for parameter in range(Parameter.DRAW_STATE_0 if alone else Parameter.QUERY_STATE_0, len(Parameter)):
            self.model.set_parameter(parameter, fresh.get_parameter(parameter))

    def sample(self, count):
        if count > self.config.batch:
            self.add([BAD_ARGUMENT, 0, 0], "sample", count)
            return
        try:
            self.model.sample(count or None)
        except DisabledError:
            self.add([DISABLED, 0, 0], "sample", count)
        except NoValidRowError:
            self.add([NO_VALID_ROW, 0, 0], "sample", count)
        else:
            batch = self.model.last_batch
            pairs = zip(batch.indices, batch.priorities, strict=True)
            draws = [number for pair in pairs for number in pair]
            self.add([OK, len(batch.indices), int(batch.fallback), *draws], "sample", count)
            self.draws += len(batch.indices)
            if self.chance.random() < 0.5:
                self.update(batch.indices)

    def update(self, rows):
        """The first of them, some or all; again, then without the device's help; and more than there are."""
        for _ in range(self.chance.choice((1, 1, 2))):
            count, seed = self.chance.randint(1, len(rows)), self.chance.getrandbits(30)
            for draw, row in enumerate(rows[:count]):
                self.model.write(row, (draw + 1) * seed & self.config.priority_max)
            self.add([OK], "update", count, seed)
        self.add([OK], "finish")
        self.add([OK], "update", 0, 1)
        self.add([BAD_ARGUMENT], "update", len(rows) + 1, 1)

    def random_parameter(self):
        values = {
            Parameter.GROUPS: (0, 1, self.config.groups, self.config.groups + 1),
            Parameter.RADIUS: (0, 1 << 18, 1 << 21, (1 << 32) - 1),
            Parameter.NEIGHBOURS: (1 << 18, 1 << 21, 1 << 24),
            Parameter.VARIANT: range(6),
            Parameter.BATCH: range(self.config.batch + 2),
            Parameter.ROWS: (self.config.rows - 1, self.config.rows, self.config.rows + 1),
            Parameter.ENABLE: (0, 1, 1, 2),
            Parameter.CLEAR: (0, 1),
        }
        parameter = self.chance.choice(list(values))
        self.set(parameter, self.chance.choice(values[parameter]))

    def build(self, steps):
        self.sample(0)  # nothing is valid yet
        for _ in range(steps):
            for _ in range(self.chance.choice((0, 1, 4, 20))):
                self.write()
            if self.chance.random() < 0.5:
                self.random_parameter()
            if self.chance.random() < 0.1:
                self.seed()
            self.sample(self.chance.randrange(self.config.batch + 2))
        return self


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def simulation(request, tmp_path_factory):
    config = CONFIGURATIONS[request.param]
    return config, DriverSimulation(config, tmp_path_factory.mktemp(request.param))


@pytest.mark.share(2)
@pytest.mark.parametrize("seed", range(3))
def test_the_driver_draws_what_the_model_draws(simulation, seed):
    """Writes, parameters and seeds between batches; each call's answer, each row, each priority, in order."""
    config, device = simulation
    script = Script(config, seed).build(100)
    for call, got, wanted in zip(script.calls, device.run(script.calls), script.wanted, strict=True):
        assert got == wanted, call
    assert script.draws > 50


def test_the_driver_reads_the_state(simulation):
    config, device = simulation
    calls = [
        ("init", 0, 0),
        ("write", 3, 77),
        ("write", 1, 200),
        ("invalidate", 3, 0),
        ("finish", 0, 0),
        ("sample", 1, 0),
        ("set", Parameter.BATCH, 0),
        ("state", 0, 0),
        ("clear_errors", (1 << 32) - 1, 0),
        ("state", 0, 0),
    ]
    answers = device.run(calls)
    vmax, csp_size, valid_rows, searches, total, errors, bus_errors = answers[7]
    alone = config.variants == ("exact",)
    assert (vmax, valid_rows) == ((0, 0) if alone else (200, 1))
    assert (csp_size, searches, total, errors) == (0, 0, 200, 1)
    assert bus_errors == 1 << 8  # PARAMETER_REFUSED
    assert answers[9][-1] == 0


def test_the_total_has_64_bits(simulation):
    """Above 2^32, where the sum of the priorities can be."""
    config, device = simulation
    most = config.priority_max
    writes = [("write", row, most) for row in range(config.rows)]
    answers = device.run([("init", 0, 0), *writes, ("finish", 0, 0), ("sample", 1, 0), ("state", 0, 0)])
    assert answers[-1][4] == config.rows * most


def test_results_to_the_stream_and_back(simulation):
    """Meanwhile the driver draws nothing; without streams there is nothing to send to."""
    config, device = simulation
    streams = config.streams
    calls = ["init", "stream 1", "sample 1", "stream 0", "sample 1", "interrupts 1", "pending"]
    answers = device.run((*call.split(), "0", "0")[:3] for call in calls)
    wanted = [[OK], [OK], [BAD_ARGUMENT, 0, 0]] if streams else [[OK], [BAD_ARGUMENT], [NO_VALID_ROW, 0, 0]]
    assert answers == [*wanted, [OK], [NO_VALID_ROW, 0, 0], [], [1 << 2]]  # IDLE


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_a_batch_and_its_updates_by_few_accesses(tmp_path, bus):
    """64 draws with their priorities, and 64 new ones: at most 80 reads and 40 writes."""
    batch, updates = measured(AmperConfig(rows=64, batch=64, bus=bus, pipeline="shallow"), tmp_path)
    assert batch.reads + updates.reads <= 80
    assert batch.writes + updates.writes <= 40


def test_a_batch_and_its_updates_by_bursts(tmp_path):
    """Two bursts, and what surrounds them."""
    batch, updates = measured(AmperConfig(rows=64, batch=64, bus="axi4", pipeline="shallow"), tmp_path)
    assert (batch.writes, updates.writes) == (1, 1)
    assert batch.reads + updates.reads <= 8


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_error_codes_on_plain_memory(tmp_path, bus):
    """Every error code, with the accesses that the driver makes unless told otherwise."""
    write_sources(AmperConfig(rows=7, bank_rows=4, batch=4, groups=1, priority_width=8, bus=bus), tmp_path)
    objects = [compile_c(tmp_path, name, "-DAMPER_POLLS=50u") for name in (*DRIVER_SOURCES, "errors.c")]
    subprocess.run(["gcc", *objects, "-o", "errors"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "errors"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


FAULTS = [
    AmperConfig(rows=7, batch=4, bus="axi", variants=VARIANTS, packed_registers=False),
    AmperConfig(rows=7, batch=4, bus="wishbone"),
    AmperConfig(rows=7, batch=4, bus="axi4"),
]


@pytest.mark.parametrize("config", FAULTS, ids=["single", "packed", "bursts"])
def test_no_fault_leaves_anything_behind(tmp_path, config):
    """A device that stalls, answers errors or resets, at every access of a script and at random (faults.c)."""
    write_sources(config, tmp_path)
    done = subprocess.run([compile_faults(tmp_path)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    by_result = [int(number) for number in done.stdout.split(":")[1].split()]
    assert all(by_result[-result] > 500 for result in (OK, NO_VALID_ROW, TIMEOUT, BAD_ANSWER, NOT_READY))


BROKEN = {
    "goes on after an error": (
        "    device->ready = 0;\n    return result;",
        "    device->ready = 1;\n    return result;",
    ),
    "takes what was there before": (
        "    if (status & (AMPER_STATUS_RESULT_AVAILABLE_MASK | ",
        "    if (status & (0 | ",
    ),
    "stores what comes": (
        " && device->drawn < count;",
        " && device->drawn <= count;",
    ),
    "takes a fault in the middle of a batch for a bad answer": (
        " : meant == AMPER_ROW_FAULT ? device->drawn : 1;",
        " : 1;",
    ),
    "drops nothing": ("            (void)amper_get_register(device, AMPER_REG_RESULT_ROW);\n", ""),
    "believes any width": ("width < 4 || width > 32 || ", ""),
    "bursts: forgets the draws behind a beat that waited too long": (
        "            if (words[word] != 0) ",
        "            if (words[0] != 0 && words[word] != 0) ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_driver_without_one_of_its_checks_is_found(tmp_path, name):
    write_sources(FAULTS[2 if name.startswith("bursts") else 0], tmp_path)
    old, new = BROKEN[name]
    (file,) = [name for name in DRIVER_SOURCES if old in (tmp_path / name).read_text(encoding="utf-8")]
    source = (tmp_path / file).read_text(encoding="utf-8")
    assert source.count(old) == 1
    (tmp_path / file).write_text(source.replace(old, new), encoding="utf-8")
    done = subprocess.run([compile_faults(tmp_path)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0


def test_the_header_is_for_cplusplus_too(tmp_path):
    """Included, called and linked."""
    write_sources(AmperConfig(rows=8, bus="axi", variant="exact"), tmp_path)
    objects = [compile_c(tmp_path, name) for name in DRIVER_SOURCES]
    (tmp_path / "main.cpp").write_text(
        """#include "amper.h"
        int main() {
            static uint32_t memory[1024];
            amper device = {};
            amper_state state = {};
            if (amper_init(&device, memory) != AMPER_NO_DEVICE)
                return 1;
            if (amper_set(&device, AMPER_VARIANT, AMPER_VARIANT_EXACT) != AMPER_NOT_READY)
                return 1;
            amper_read_state(&device, &state);
            return AMPER_READ32(memory, AMPER_REG_ID) != 0;
        }
        """,
        encoding="utf-8",
    )
    command = ["g++", "-std=c++11", *WARNINGS, "main.cpp", *objects, "-o", "program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run([tmp_path / "program"], check=True)


def test_the_driver_is_cplusplus_too(tmp_path):
    """Of each bus, as C++17, without a word."""
    for bus in ("axi4", "wishbone"):
        write_sources(AmperConfig(rows=8, bus=bus), tmp_path)
        command = ["g++", "-x", "c++", "-std=c++17", *WARNINGS, "-fsyntax-only", *DRIVER_SOURCES]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_examples_compile(tmp_path):
    """The programs of docs/hardware/programmers-guide.md."""
    page = (Path(__file__).parents[3] / "docs/hardware/programmers-guide.md").read_text(encoding="utf-8")
    programs = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    assert len(programs) == 2
    write_sources(AmperConfig(rows=8, bus="axi"), tmp_path)
    for number, program in enumerate(programs):
        (tmp_path / f"example{number}.c").write_text(program, encoding="utf-8")
        compile_c(tmp_path, f"example{number}.c")


def test_the_example_for_linux(tmp_path):
    """It compiles without a word; with a file in place of the device it finds no sampler there."""
    source = Path(__file__).parents[3] / "examples/uio/main.c"
    write_sources(AmperConfig(rows=8, bus="axi"), tmp_path)
    command = ["gcc", "-std=gnu99", *WARNINGS, "-I.", "-include", source.with_name("wait.h"), "-o", "batch", source]
    done = subprocess.run([*command, *DRIVER_SOURCES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "uio0").write_bytes(bytes(0x1000))
    done = subprocess.run(["./batch", "uio0"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "uio0: the driver says -1\n")  # AMPER_NO_DEVICE


def test_the_native_interface_has_no_driver():
    with pytest.raises(ValueError, match="bus must be axi or wishbone"):
        register_files(AmperConfig(rows=8))
