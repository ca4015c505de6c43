"""Batches back to back: the next one searches, and priorities are written, while the present one draws."""

import random

import pytest

from amper import AmperConfig
from amper.operations.vocabulary import Sample, Settle, Write, beats
from amper.operations.workload import ramp
from amper_verif.harness import components

BATCHES = 100


def config_of(ports, *, rows, write_ports=1, result_priority=True):
    return AmperConfig(
        rows=rows,
        variant="fr-dithered",
        bank_rows=rows // 16,  # as many banks, so that as many lanes meet in one
        groups=20,
        batch=64,
        search_ports=ports,
        draw_ports=ports,
        write_ports=write_ports,
        result_priority=result_priority,
        seed=3,
    )


def cycles_of(simulate, config, between):
    """Cycles from the first of 100 requests to the last result, with the writes of ``between`` before each."""
    operations = [*ramp(config), Settle()]
    for _ in range(BATCHES):
        operations += [*beats(config, between()), Sample(config.batch)]
    report = simulate(components.directed_sampler(config, [*operations, Settle()]), simulator="verilator")
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["compared"] == BATCHES * config.batch
    assert len(report["spans"]) == BATCHES
    cycles = report["spans"][-1][2] - report["spans"][0][1]
    ports = f"P = D = {config.draw_ports}, W = {config.write_ports}"
    print(f"{ports}, {between.__name__}: {cycles / BATCHES} cycles a batch")
    return cycles


@pytest.mark.long
@pytest.mark.parametrize("rows", [256, 1024])  # the measurements in docs/ are those of 1,024
@pytest.mark.parametrize(("ports", "each"), [(1, 68), (4, 20)])
def test_batches_without_writes(simulate, ports, each, rows):
    """100 batches of 64 with m = 20: little more than the longer of searches and draws."""
    assert cycles_of(simulate, config_of(ports, rows=rows), list) <= BATCHES * each + 100


@pytest.mark.parametrize(("rows", "each"), [(64, 42), pytest.param(1024, 40, marks=pytest.mark.long)])
def test_batches_with_64_priority_writes_between_them(simulate, rows, each):
    """Rows at random, priorities below Vmax, whose row stays as it is: what a replay buffer does after each batch."""
    config = config_of(4, rows=rows, write_ports=4, result_priority=False)
    chance = random.Random(1)

    def updates():
        return [Write(chance.randrange(config.rows - 1), chance.randrange(config.priority_max)) for _ in range(64)]

    assert cycles_of(simulate, config, updates) <= BATCHES * each + 200


@pytest.mark.share(3)
@pytest.mark.parametrize("result_priority", [True, False])
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(("groups", "batch"), [(1, 1), (3, 1), (2, 9), (20, 4)])
def test_short_batches_that_overlap(simulate, pipeline, result_priority, groups, batch):
    """Many under way at once, also some that fall back to all rows or are refused, with writes that overtake them."""
    config = AmperConfig(
        rows=20,
        variant="fr-dithered",
        bank_rows=4,
        fan_out=2,
        priority_width=8,
        groups=groups,
        batch=batch,
        radius_scale=0.02 * groups,
        pipeline=pipeline,
        result_priority=result_priority,
        search_ports=2,
        draw_ports=2,
        write_ports=2,
        seed=groups,
    )
    chance = random.Random(batch)
    operations = ramp(config)
    for _ in range(150):
        size = chance.choice((batch, batch, chance.randint(1, batch), 0))
        operations.append(Sample(size, ready_chance=chance.choice((1.0, 0.6)), overtake_chance=1.0))
        writes = [Write(chance.randrange(20), chance.randrange(256)) for _ in range(chance.choice((0, 0, 0, 3)))]
        operations += beats(config, writes)
    report = simulate(components.directed_sampler(config, [*operations, Settle()]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"]["OK"] > 20
    assert report["statuses"]["BAD_BATCH"] > 5
    assert report["coverage"]["request.waiting"]["more"] > 20
