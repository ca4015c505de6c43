"""The whole sampler with variant exact, alone and beside others: random workloads, cycles, resets at every moment."""

import itertools

import pytest

from amper import VARIANTS, AmperConfig, Parameter, Status
from amper.operations.vocabulary import Beat, Control, Reset, Sample, Settle, Write, beats
from amper.operations.workload import ramp
from amper_hw.base import latency
from amper_verif.harness import components

WITH_FR = ("fr-dithered", "exact")

# How it is built; each meets some sizes of memory.
BUILDS = {
    "plain": {},
    "shallow": {"pipeline": "shallow", "write_ports": 8, "storage": "latches"},
    "bare": {"result_priority": False, "draws": "stratified", "write_ports": 2},
    "stratified": {"draws": "stratified", "draw_ports": 4, "write_ports": 4, "storage": "latches"},
    "independent": {"draw_ports": 2},
    "wide": {"draws": "stratified", "draw_ports": 8, "write_ports": 2, "pipeline": "shallow"},
    "with_fr": {"variants": WITH_FR, "write_ports": 2},
    "with_all": {"variants": VARIANTS, "search_ports": 2, "draw_ports": 4, "draws": "stratified"},
    "with_all_shallow": {"variants": VARIANTS, "pipeline": "shallow", "result_priority": False},
}
BUILDS_IN_LUT_RAM = {
    "lut_ram": {"primitives": "blocks"},
    "lut_ram_lanes": {"primitives": "blocks", "draws": "stratified", "draw_ports": 4, "write_ports": 4},
    "lut_ram_shallow": {"primitives": "blocks", "draw_ports": 2, "write_ports": 2, "pipeline": "shallow"},
    "lut_ram_bare": {"primitives": "blocks", "pipeline": "shallow", "result_priority": False},
}
# rows, bank_rows, priority_width, batch
SIZES = [(1, 2, 4, 3), (2, 2, 8, 1), (7, 4, 16, 8), (64, 16, 8, 20), (100, 16, 24, 33), (257, 64, 16, 64)]


def config_of(size, build, **more):
    rows, bank_rows, priority_width, batch = size
    sizes = {"rows": rows, "bank_rows": bank_rows, "priority_width": priority_width, "batch": batch, "groups": 5}
    return AmperConfig(
        variant="exact", fan_out=4, seed=1000 * rows + batch, **sizes, **(BUILDS | BUILDS_IN_LUT_RAM)[build], **more
    )


def check_random(report):
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["batches"] >= 50
    assert report["compared"] > 30  # resets end some batches, and with b = 1 a batch is one beat
    assert report["statuses"]["OK"] > 0
    assert report["statuses"]["NO_VALID_ROW"] > 0


# 257 rows take twice as long as all others together, and have no more levels than 100.
PLACES = [
    pytest.param(place, marks=[pytest.mark.long] if SIZES[place % len(SIZES)][0] > 100 else [])
    for place in range(3 * len(SIZES))
]


@pytest.mark.share(3)
@pytest.mark.parametrize("place", PLACES)
def test_random_workload(simulate, place):
    """Every build with two sizes of memory, or more."""
    size, build = SIZES[place % len(SIZES)], list(BUILDS)[(place + place // len(SIZES)) % len(BUILDS)]
    check_random(simulate(components.sampler(config_of(size, build)), seed=place + 1))


@pytest.mark.share(3)
@pytest.mark.parametrize("build", BUILDS_IN_LUT_RAM)
@pytest.mark.parametrize("size", SIZES[:-1], ids=lambda size: "-".join(map(str, size)))
def test_random_workload_in_lut_ram(simulate, size, build):
    check_random(simulate(components.sampler(config_of(size, build)), seed=size[0]))


IN_VERILATOR = [
    (2, "with_all"),
    *(
        pytest.param(*each, marks=pytest.mark.long)
        for each in ((3, "lut_ram_lanes"), (3, "shallow"), (4, "plain"), (3, "stratified"), (4, "lut_ram"))
    ),
]


@pytest.mark.parametrize(("place", "build"), IN_VERILATOR)
def test_random_workload_in_verilator(simulate, place, build):
    check_random(simulate(components.sampler(config_of(SIZES[place], build), batches=200), simulator="verilator"))


def test_a_wide_memory_of_wide_codes(simulate):
    """TW = 38: a word's 52 bits, and Q = 32."""
    config = AmperConfig(variant="exact", rows=50, bank_rows=8, priority_width=32, batch=20, seed=6)
    check_random(simulate(components.sampler(config, batches=80)))


@pytest.mark.parametrize(
    ("rows", "bank_rows", "priority_width", "draw_ports"),
    [
        (129, 128, 24, 2),
        pytest.param(257, 128, 24, 2, marks=pytest.mark.long),
        pytest.param(257, 64, 16, 1, marks=pytest.mark.long),
        pytest.param(1024, 64, 32, 1, marks=pytest.mark.long),
        pytest.param(2048, 64, 16, 4, marks=pytest.mark.long),
    ],
)
def test_many_rows_in_lut_ram(simulate, rows, bank_rows, priority_width, draw_ports):
    """Several layers, several blocks, three levels of nodes."""
    sizes = {"rows": rows, "bank_rows": bank_rows, "priority_width": priority_width, "draw_ports": draw_ports}
    config = AmperConfig(variant="exact", primitives="blocks", seed=rows, **sizes)
    check_random(simulate(components.sampler(config, batches=60), simulator="verilator"))


# --- cycles ----------------------------------------------------------------------------------------------------

# rows, bank_rows, fan_out, batch, levels
SHAPES = [(64, 64, 8, 64, 0), (100, 16, 8, 33, 1), (257, 64, 8, 20, 1), (100, 16, 4, 33, 2)]


@pytest.mark.share(2)
@pytest.mark.parametrize("primitives", ["gates", "blocks"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape)))
def test_cycles_of_a_batch(simulate, shape, primitives):
    """Settled; right behind writes; and back to back."""
    rows, bank_rows, fan_out, batch, levels = shape
    sizes = {"rows": rows, "bank_rows": bank_rows, "fan_out": fan_out, "batch": batch}
    config = AmperConfig(variant="exact", primitives=primitives, **sizes)
    sample = Sample(batch, overtake_chance=1.0)
    operations = [*ramp(config), sample, Settle(), sample, Settle(), *[sample] * 5]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    behind, alone, *_ = (cycles[-1] for cycles in report["beats"])
    expected = batch + 15 + 4 * levels if primitives == "gates" else batch + 18 + 2 * levels
    assert alone == latency.batch_cycles(config) == expected
    # The writes' last transfer is at the request's edge, or one before it.
    more = config.priority_width + (7 if primitives == "gates" else 8) + 2 * levels
    assert alone + more - 1 <= behind <= alone + more
    ends = [end for _, _, end in report["spans"][2:]]
    assert [after - before for before, after in itertools.pairwise(ends)] == [batch] * 4


@pytest.mark.parametrize("primitives", ["gates", "blocks"])
def test_a_step_of_a_batch_and_its_updates(simulate, primitives):
    """Writes and requests offered as early as can be, L' = 2."""
    config = AmperConfig(variant="exact", rows=512, bank_rows=64, fan_out=4, batch=64, primitives=primitives)
    updates = [Beat((Write(7 * row % 512, 1000 + row),)) for row in range(64)]
    sample = Sample(64, overtake_chance=0.0)
    report = simulate(components.directed_sampler(config, [*ramp(config), *([sample, *updates] * 4), sample]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    ends = [end for _, _, end in report["spans"]]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    assert max(steps) <= (175 if primitives == "gates" else 177), steps


def test_four_draws_a_cycle(simulate):
    """Stratified, a beat a plane: uniform priorities."""
    config = AmperConfig(variant="exact", rows=64, batch=64, draws="stratified", draw_ports=4)
    report = simulate(components.directed_sampler(config, [*ramp(config), Settle(), *[Sample(64), Settle()] * 10]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert all(16 <= len(cycles) <= 24 for cycles in report["beats"])
    # The first of the beats in every other plane takes the place of one that was full.
    assert latency.batch_cycles(config) == 32
    assert all(32 <= cycles[-1] <= 40 for cycles in report["beats"])


# --- refusals, parameters, resets ------------------------------------------------------------------------------


def test_a_refusal_takes_no_word(simulate):
    config = AmperConfig(variant="exact", rows=20, bank_rows=8, priority_width=8, batch=4)
    off, on = Control(Parameter.ENABLE, 0), Control(Parameter.ENABLE, 1)
    operations = [Sample(4), Sample(0), off, Sample(0), Sample(4), on, Beat((Write(3, 200),)), Sample(5), Sample(0)]
    report = simulate(components.directed_sampler(config, [*operations, Settle(), Sample(4)]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"NO_VALID_ROW": 1, "BAD_BATCH": 3, "DISABLED": 2, "OK": 1}


def test_code_0_is_an_invalid_row(simulate):
    """Also of the variants beside exact, and where a clear, or what is written after it, meets draws."""
    config = AmperConfig(
        variant="fr-dithered", variants=WITH_FR, rows=9, bank_rows=4, priority_width=8, groups=3, batch=5
    )
    exact = Control(Parameter.VARIANT, VARIANTS.index("exact"))
    operations = [Beat((Write(row, 0),)) for row in range(9)]
    operations += [Sample(2), exact, Sample(2), Beat((Write(4, 9),)), Sample(5), Beat((Write(4, 0),)), Sample(5)]
    operations += [Control(Parameter.VARIANT, 0), *ramp(config), Sample(5), Control(Parameter.CLEAR, 1), Sample(5)]
    operations += [exact, *ramp(config), Sample(5), Control(Parameter.CLEAR, 1), Beat((Write(2, 1),)), Sample(5)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"]["NO_VALID_ROW"] == 4


def test_what_is_not_built_in_is_refused(simulate):
    config = AmperConfig(variant="exact", rows=9, bank_rows=4, priority_width=8, groups=6, batch=5)
    refused = [(Parameter.GROUPS, 3), (Parameter.RADIUS, 1), (Parameter.NEIGHBOURS, 1), (Parameter.QUERY_STATE_2, 1)]
    refused += [(Parameter.VARIANT, variant) for variant in range(4)]
    taken = [(Parameter.VARIANT, 4), (Parameter.BATCH, 2), (Parameter.DRAW_STATE_1, 77), (Parameter.ENABLE, 1)]
    operations = ramp(config)
    for change in refused + taken:
        operations += [Sample(5), Control(*change), Sample(4)]
    report = simulate(components.directed_sampler(config, [*operations, Settle()]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["refused_controls"] == len(refused)


@pytest.mark.share(2)
@pytest.mark.parametrize("build", ["plain", "stratified", "with_fr", "lut_ram", "lut_ram_shallow"])
@pytest.mark.parametrize("ready_chance", [1.0, 0.1])
def test_reset_at_every_cycle_of_a_batch(simulate, ready_chance, build):
    """Afterwards nothing is left: the memory is empty, parameters and random streams are those of the configuration."""
    config = config_of((5, 2, 4, 3), build) if build != "with_fr" else config_of((5, 2, 4, 3), build, radius_scale=1.0)
    writes = [Beat((write,)) for write in (Write(0, 3), Write(1, 9), Write(2, 15), Write(4, 6), Write(2, 0, 1))]
    moments = latency.census_cycles(config) + latency.batch_cycles(config) + 10
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


def test_lanes_of_one_transfer(simulate):
    """Out of range, the same row twice (the higher lane is the later write), the same bank."""
    config = AmperConfig(variant="exact", rows=5, bank_rows=4, priority_width=8, batch=3, write_ports=4)
    operations = [
        Beat((Write(7, 9), Write(2, 50), Write(2, 60), Write(3, 70))),
        Sample(3),
        Beat((Write(2, 0, 1), Write(2, 80), Write(3, 10), Write(3, 0, 1))),
        Sample(3),
        *beats(config, [Write(row, 5 * row) for row in range(5)]),
        Sample(3),
    ]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["refused_writes"] == 1
    assert report["csp_sizes"] == [130, 80, 50]
