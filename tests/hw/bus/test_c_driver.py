"""The C driver: on the simulated sampler behind each bus it draws what the golden model draws."""

import random
import re
import subprocess
from pathlib import Path

import pytest

from amper import AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter
from amper_hw.output.register_files import register_files
from amper_verif.harness.driver import DriverSimulation, compile_c, write_sources

OK, BAD_ARGUMENT, REFUSED, NO_VALID_ROW, DISABLED = 0, -3, -4, -5, -6

CONFIGURATIONS = {
    "axi": AmperConfig(
        rows=20,
        bank_rows=8,
        priority_width=8,
        groups=4,
        batch=6,
        variants=("fr-dithered", "fr-prefix", "fr", "k"),
        draw_ports=2,
        bus="axi",
    ),
    "wishbone": AmperConfig(
        rows=7, bank_rows=4, fan_out=2, priority_width=12, groups=3, batch=5, pipeline="shallow", bus="wishbone"
    ),
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
        for parameter in range(Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_3 + 1):
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

    def random_parameter(self):
        values = {
            Parameter.GROUPS: (0, 1, self.config.groups, self.config.groups + 1),
            Parameter.RADIUS: (0, 1 << 18, 1 << 21, (1 << 32) - 1),
            Parameter.NEIGHBOURS: (1 << 18, 1 << 21, 1 << 24),
            Parameter.VARIANT: range(5),
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
    vmax, csp_size, valid_rows, searches, errors, bus_errors = answers[7]
    assert (vmax, valid_rows, errors) == (200, 1, 1)
    assert csp_size in (0, 1)  # 0 if it fell back
    assert searches in (config.groups, config.groups + 1)
    assert bus_errors == 1 << 8  # PARAMETER_REFUSED
    assert answers[9][-1] == 0


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_error_codes_on_plain_memory(tmp_path, bus):
    """Every error code, with the accesses that the driver makes unless told otherwise."""
    write_sources(AmperConfig(rows=7, bank_rows=4, batch=4, groups=1, priority_width=8, bus=bus), tmp_path)
    objects = [compile_c(tmp_path, name, "-DAMPER_POLLS=50u") for name in ("amper.c", "errors.c")]
    subprocess.run(["gcc", *objects, "-o", "errors"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "errors"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_examples_compile(tmp_path):
    """The programs of docs/hardware/programmers-guide.md."""
    page = (Path(__file__).parents[3] / "docs/hardware/programmers-guide.md").read_text(encoding="utf-8")
    programs = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    assert len(programs) == 2
    write_sources(AmperConfig(rows=8, bus="axi"), tmp_path)
    for number, program in enumerate(programs):
        (tmp_path / f"example{number}.c").write_text(program, encoding="utf-8")
        compile_c(tmp_path, f"example{number}.c")


def test_the_native_interface_has_no_driver():
    with pytest.raises(ValueError, match="bus must be axi or wishbone"):
        register_files(AmperConfig(rows=8))
