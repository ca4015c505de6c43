"""Organisation tree in banks, several draws and writes a cycle: random and adversarial operations, cycles, resets."""

from __future__ import annotations

import itertools
import random

import pytest

from amper import AmperConfig, Parameter, Status
from amper.operations.adversarial import adversarial_operations
from amper.operations.vocabulary import Beat, Control, Reset, Sample, Settle, Write, beats
from amper.operations.workload import ramp
from amper_hw.base import latency
from amper_verif.harness import components

# rows, priority_width, batch, S, D, W
SHAPES = [(4, 4, 3, 2, 2, 1), (17, 16, 20, 4, 4, 2), (100, 8, 33, 8, 4, 4), (33, 32, 64, 2, 1, 2), (61, 12, 9, 8, 8, 8)]
BUILDS = {
    "plain": {},
    "stratified": {"draws": "stratified", "primitives": "blocks"},
    "bare": {"result_priority": False},
}


def config_of(shape, build="plain", **more):
    names = ("rows", "priority_width", "batch", "banks", "draw_ports", "write_ports")
    return AmperConfig(
        organisation="tree", seed=shape[0], **dict(zip(names, shape, strict=True)), **BUILDS[build], **more
    )


PAIRS = [
    pytest.param(shape, build, marks=[] if place % 2 == 0 and place % 3 == other else [pytest.mark.long])
    for place, shape in enumerate(SHAPES)
    for other, build in enumerate(BUILDS)
]


@pytest.mark.parametrize(("shape", "build"), PAIRS)
def test_random_workload(simulate, shape, build):
    report = simulate(components.sampler(config_of(shape, build), batches=80), seed=shape[0])
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["compared"] > 30
    assert report["timed"] > 0
    assert report["statuses"]["NO_VALID_ROW"] > 0


@pytest.mark.parametrize("shape", [(64, 8, 20, 4, 4, 4), pytest.param((9, 32, 8, 4, 2, 4), marks=pytest.mark.long)])
def test_adversarial_operations(simulate, shape):
    config = config_of(shape)
    report = simulate(components.directed_sampler(config, adversarial_operations(config)))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"OK": 16 + 3 * 12 + 61, "NO_VALID_ROW": 4 + 12}


def test_cycles_of_a_batch(simulate):
    """All draws of one row take a cycle each; where they spread, fewer."""
    config = config_of((128, 16, 64, 8, 4, 4))
    one = [Control(Parameter.CLEAR, 1), Beat((Write(5, 9),)), Settle(), Sample(64), Settle()]
    report = simulate(components.directed_sampler(config, [*ramp(config), Settle(), Sample(64), Settle(), *one]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["timed"] == 2
    (_, _, spread), (_, _, together) = ((batch, begin, end - begin) for batch, begin, end in report["spans"])
    least = latency.batch_cycles(config)
    assert least == 16 + 8 + 3 + 5 * 2
    assert together == least + 48
    assert least <= spread < least + 24


@pytest.mark.parametrize(("most", "shuffled"), [(57, False), pytest.param(59, True, marks=pytest.mark.long)])
def test_a_step_of_a_batch_and_its_updates(simulate, most, shuffled):
    """64 draws and 64 updates, four a cycle from eight banks: 32 cycles without any conflict; and of any rows."""
    config = config_of((512, 16, 64, 8, 4, 4))
    sample = Sample(64, overtake_chance=0.0)
    chance = random.Random(3)
    operations = ramp(config)
    for _ in range(20 if shuffled else 6):
        rows = [chance.randrange(512) if shuffled else row * 9 % 512 for row in range(64)]
        operations += [sample, *beats(config, [Write(row, 1000 + place) for place, row in enumerate(rows)])]
    report = simulate(components.directed_sampler(config, [*operations, sample]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    ends = [end for _, _, end in report["spans"]]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    assert sum(steps) / len(steps) <= most, (sum(steps) / len(steps), steps)


@pytest.mark.parametrize("ready_chance", [0.2, pytest.param(1.0, marks=pytest.mark.long)])
def test_reset_at_every_cycle_of_a_batch(simulate, ready_chance):
    config = config_of((9, 4, 5, 4, 2, 2), "stratified")
    writes = beats(config, [Write(0, 3), Write(1, 9), Write(2, 15), Write(8, 6), Write(4, 6), Write(2, 0, 1)])
    moments = latency.total_cycles(config) + latency.batch_cycles(config) + 10
    operations = []
    for after in range(moments):
        operations += [*writes, Sample(5, ready_chance), Control(Parameter.BATCH, 1), Reset(after)]
        operations += [Sample(1)] if after % 3 == 0 else []  # nothing is valid
        operations += [*writes, Sample(5, ready_chance), Sample(2), Reset(moments)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"][Status.NO_VALID_ROW.name] == -(-moments // 3)


@pytest.mark.parametrize("bus", ["axi", pytest.param("wishbone", marks=pytest.mark.long)])
def test_behind_a_bus(tmp_path, bus):
    from amper_verif.verify import verify

    config = config_of((16, 8, 6, 2, 2, 2), bus=bus)
    found = verify(config, simulator="icarus", batches=10, corners=False, folder=tmp_path)
    assert found.passed, found
