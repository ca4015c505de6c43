"""The whole sampler of organisation tree: random and adversarial operations, cycles, resets at every moment."""

from __future__ import annotations

import itertools

import pytest

from amper import AmperConfig, Parameter, Status
from amper.operations.adversarial import adversarial_operations
from amper.operations.vocabulary import Beat, Control, Reset, Sample, Settle, Write
from amper.operations.workload import ramp
from amper_hw.base import latency
from amper_verif.harness import components

SIZES = [(2, 4, 3), (3, 32, 20), (17, 16, 64), (100, 8, 33)]  # rows, priority_width, batch
LARGE = [(1000, 16, 64), (1000, 32, 64), (4096, 4, 64), (4096, 16, 20)]
BUILDS = {
    "plain": {},
    "blocks": {"primitives": "blocks"},
    "bare": {"result_priority": False, "draws": "stratified"},
    "stratified": {"draws": "stratified", "primitives": "blocks"},
}


def config_of(size, build="plain", **more):
    rows, priority_width, batch = size
    sizes = {"rows": rows, "priority_width": priority_width, "batch": batch}
    return AmperConfig(organisation="tree", seed=1000 * rows + batch, **sizes, **BUILDS[build], **more)


def check_random(report):
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["batches"] >= 50
    assert report["compared"] > 30
    assert report["statuses"]["OK"] > 0
    assert report["statuses"]["NO_VALID_ROW"] > 0


def one(row, code):
    """A transfer of one write."""
    return Beat((Write(row, code),))


PAIRS = [
    pytest.param(size, build, marks=[] if place == other else [pytest.mark.long])
    for place, size in enumerate(SIZES)
    for other, build in enumerate(BUILDS)
]


@pytest.mark.parametrize(("size", "build"), PAIRS)
def test_random_workload(simulate, size, build):
    check_random(simulate(components.sampler(config_of(size, build)), seed=size[0]))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(0, marks=pytest.mark.long),
        pytest.param(1, marks=pytest.mark.long),
        pytest.param(2, marks=pytest.mark.long),
        3,
    ],
)
def test_random_workload_in_verilator(simulate, place):
    build = list(BUILDS)[place]
    check_random(simulate(components.sampler(config_of(LARGE[place], build), batches=150), simulator="verilator"))


@pytest.mark.long
def test_random_workload_of_many_rows_in_icarus(simulate):
    check_random(simulate(components.sampler(config_of((1000, 16, 64))), seed=5))


# --- adversarial operations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "priority_width", "primitives"),
    [(2, 4, "gates"), (67, 32, "blocks"), pytest.param(67, 8, "gates", marks=pytest.mark.long)],
)
def test_adversarial_operations(simulate, rows, priority_width, primitives):
    """Priorities at their ends; updates of a row in every cycle; draws of a row in the cycles of its update."""
    config = config_of((rows, priority_width, 20), primitives=primitives)
    report = simulate(components.directed_sampler(config, adversarial_operations(config)))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"OK": 16 + 3 * 12 + 61, "NO_VALID_ROW": 4 + 12}


# --- cycles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "build"), [(2, "stratified"), (17, "plain"), (257, "blocks"), (1000, "bare")])
def test_cycles_of_a_batch(simulate, rows, build):
    """Settled; right behind writes; and back to back."""
    config = config_of((rows, 16, 64), build)
    sample = Sample(64, overtake_chance=1.0)
    operations = [*ramp(config), sample, Settle(), sample, Settle(), *[sample] * 5]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    behind, alone, *_ = (cycles[-1] for cycles in report["beats"])
    levels = -(-(rows - 1).bit_length() // 2)
    more = (config.draws == "stratified") + (config.primitives == "blocks")
    assert alone == latency.batch_cycles(config) == 64 + 6 + 5 * levels + more
    assert alone <= 64 + 4 * (rows - 1).bit_length() + 20
    # The writes' last transfer is at the request's edge, or one before it.
    more = 3 if config.primitives == "blocks" else 4
    assert alone + more - 1 <= behind <= alone + more
    ends = [end for _, _, end in report["spans"][2:]]
    assert [after - before for before, after in itertools.pairwise(ends)] == [64] * 4


@pytest.mark.parametrize("primitives", ["gates", "blocks"])
def test_a_step_of_a_batch_and_its_updates(simulate, primitives):
    """Writes and requests offered as early as can be: 64 of each, and what T takes."""
    config = AmperConfig(rows=512, batch=64, organisation="tree", primitives=primitives)
    updates = [one(7 * row % 512, 1000 + row) for row in range(64)]
    sample = Sample(64, overtake_chance=0.0)
    report = simulate(components.directed_sampler(config, [*ramp(config), *([sample, *updates] * 4), sample]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    ends = [end for _, _, end in report["spans"]]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    assert steps == [64 + 64 + (4 if primitives == "blocks" else 5)] * 4


# --- refusals, parameters, resets ------------------------------------------------------------------------------


def test_a_clear_refuses_draws_at_once_and_lets_writes_wait(simulate):
    """A clear lasts 125 cycles, as does the reset before."""
    config = config_of((500, 16, 20))
    clear = Control(Parameter.CLEAR, 1)
    operations = [*ramp(config), Sample(20), clear, Sample(20), Sample(20), one(3, 70), Sample(20), clear, clear]
    operations += [Sample(20), Control(Parameter.ROWS, 450), one(460, 5), one(449, 5), Sample(20), clear, *ramp(config)]
    report = simulate(components.directed_sampler(config, [*operations, Sample(20), Settle()]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"OK": 4, "NO_VALID_ROW": 3}
    assert report["refused_writes"] > 0
    cycles = [beats[-1] for beats in report["beats"]]
    assert max(*cycles[1:3], cycles[4]) < latency.batch_cycles(config)


@pytest.mark.parametrize(("build", "ready_chance"), [("plain", 0.1), ("stratified", 1.0)])
def test_reset_at_every_cycle_of_a_batch(simulate, ready_chance, build):
    """Afterwards nothing is left: the memory is empty, parameters and random streams are those of the configuration."""
    config = config_of((5, 4, 3), build)
    writes = [Beat((write,)) for write in (Write(0, 3), Write(1, 9), Write(2, 15), Write(4, 6), Write(2, 0, 1))]
    moments = latency.TOTAL_CYCLES + latency.batch_cycles(config) + 10
    operations = []
    for after in range(moments):
        operations += [*writes, Sample(3, ready_chance), Control(Parameter.BATCH, 1), Reset(after)]
        operations += [Sample(1)] if after % 3 == 0 else []  # nothing is valid
        operations += [*writes, Sample(3, ready_chance), Sample(2)]
        operations += [Reset(moments)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["resets"] == 2 * moments
    assert report["statuses"][Status.NO_VALID_ROW.name] == -(-moments // 3)


@pytest.mark.parametrize("bus", ["axi", pytest.param("wishbone", marks=pytest.mark.long)])
def test_behind_a_bus(tmp_path, bus):
    from amper_verif.verify import verify

    config = AmperConfig(rows=33, priority_width=16, batch=8, organisation="tree", primitives="blocks", bus=bus)
    found = verify(config, simulator="icarus", batches=10, corners=False, folder=tmp_path)
    assert found.passed, found
