"""The whole sampler in simulation: random workloads, the cycles of a batch, parameters, resets at every moment."""

import itertools

import pytest
from configurations import table

from amper import AMPER_VARIANTS, AmperConfig, Parameter, Status
from amper.operations.vocabulary import Beat, Control, Reset, Sample, Settle, Write, beats
from amper.operations.workload import ramp
from amper_hw.base import latency
from amper_verif.harness import components

ROWS = (1, 2, 7, 64, 100, 257)
WIDTHS = (4, 8, 16)
GROUPS = (1, 3, 20)
BANK_ROWS = {1: 2, 2: 2, 7: 4, 64: 16, 100: 16, 257: 64}
BATCHES = {1: 3, 2: 1, 7: 8, 64: 20, 100: 33, 257: 64}

# A Latin square: every pair of rows and width, of rows and groups, and of width and groups occurs.
SIZES = [(rows, width, GROUPS[(i + j) % 3]) for i, rows in enumerate(ROWS) for j, width in enumerate(WIDTHS)]

# What is built in and how; every value meets every size of memory once or more.
BUILDS = {
    "plain": {"variant": "fr-dithered"},
    "prefix": {"variant": "fr-prefix", "pipeline": "shallow", "search_ports": 2, "write_ports": 8},
    "range": {"variant": "fr", "draw_ports": 4, "write_ports": 2, "result_priority": False},
    "nearest": {"variant": "k", "search_ports": 4, "draw_ports": 2, "pipeline": "shallow"},
    "all": {"variants": AMPER_VARIANTS, "search_ports": 8, "draw_ports": 8, "write_ports": 4, "result_priority": False},
    "ternary": {
        "variants": AMPER_VARIANTS[:2],
        "search_ports": 2,
        "draw_ports": 4,
        "write_ports": 4,
        "pipeline": "shallow",
    },
}


def config_of(rows, priority_width, groups, build="plain"):
    return AmperConfig(
        rows=rows,
        priority_width=priority_width,
        groups=groups,
        batch=BATCHES[rows],
        radius_scale=0.05 * groups if rows > 64 else 0.5,
        seed=1000 * rows + groups,
        bank_rows=BANK_ROWS[rows],
        fan_out=4,
        **BUILDS[build],
    )


def check_random(report):
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["batches"] >= 50
    assert report["compared"] > 30  # resets end some batches, and with b = 1 a batch is one beat
    assert report["statuses"]["OK"] > 0
    assert report["statuses"]["NO_VALID_ROW"] > 0


# 257 rows take as long as all others together; 100 have as many levels, and 257 are simulated by Verilator below.
PLACES = [
    pytest.param(place, id="-".join(map(str, size)), marks=[pytest.mark.long] if size[0] > 100 else [])
    for place, size in enumerate(SIZES)
]


@pytest.mark.share(4)
@pytest.mark.parametrize(
    "builds", [("plain", "range", "all"), ("prefix", "nearest", "ternary")], ids=["deep", "shallow"]
)
@pytest.mark.parametrize("place", PLACES)
def test_random_workload(simulate, place, builds):
    """Each size in one deep and one shallow sampler, so that each build meets each number of rows."""
    build = builds[place % 3]
    check_random(simulate(components.sampler(config_of(*SIZES[place], build)), seed=place + 1))


@pytest.mark.parametrize(
    ("rows", "priority_width", "groups", "build"),
    [
        (7, 4, 3, "ternary"),
        pytest.param(7, 4, 3, "all", marks=pytest.mark.long),  # `amper signoff --quick` has all variants
        pytest.param(100, 16, 20, "nearest", marks=pytest.mark.long),
        pytest.param(257, 8, 1, "ternary", marks=pytest.mark.long),
        pytest.param(64, 16, 3, "range", marks=pytest.mark.long),
    ],
)
def test_random_workload_in_verilator(simulate, rows, priority_width, groups, build):
    unit = components.sampler(config_of(rows, priority_width, groups, build), batches=200)
    check_random(simulate(unit, simulator="verilator"))


@pytest.mark.parametrize("priority_width", [*(pytest.param(width, marks=pytest.mark.long) for width in (24, 25)), 32])
def test_random_workload_with_wide_priorities(simulate, priority_width):
    """From 24 bits on, places in [0, 1) have 32 bits and no longer 8 more than a code."""
    config = AmperConfig(
        rows=9, bank_rows=4, priority_width=priority_width, groups=5, batch=7, variants=AMPER_VARIANTS, seed=6
    )
    check_random(simulate(components.sampler(config, batches=80)))


# --- cycles ----------------------------------------------------------------------------------------------------

SHAPES = table(
    "rows bank_rows fan_out priority_width groups batch",
    (7, 64, 8, 4, 3, 5),
    (64, 64, 8, 16, 20, 64),
    (100, 16, 4, 8, 3, 33),
    (257, 64, 8, 16, 20, 64),
    (33, 2, 2, 8, 5, 9),
)


@pytest.mark.share(4)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize("ports", [1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_takes_the_formulas_cycles_whatever_the_csp(simulate, shape, ports, pipeline):
    """m / P + b / D + c from |CSP| = 1 to |CSP| = n; and the draws come D a cycle."""
    rows, groups, batch = shape["rows"], shape["groups"], shape["batch"]
    config = AmperConfig(
        variant="fr-dithered",
        search_ports=ports,
        draw_ports=ports,
        pipeline=pipeline,
        radius_scale=15.0 * groups,  # the last group's key matches every row
        **shape,
    )
    sizes = [1, batch, max(1, batch // 2)]
    samples = [operation for size in sizes for operation in (Settle(), Sample(size))]
    operations = [Beat((Write(rows - 1, config.priority_max),)), *samples, *ramp(config), *samples, Settle()]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["csp_sizes"] == [1, 1, 1, rows, rows, rows]
    for size, cycles in zip(sizes * 2, report["beats"], strict=True):
        draws = -(-size // ports)
        last = -(-groups // ports) + draws + latency.constant_cycles(config)
        assert cycles == list(range(last - draws + 1, last + 1))


def test_c_does_not_depend_on_groups_or_batch_or_ports():
    """The promise is m / P + b / D + c: c is a property of Q and of the array's shape alone."""
    shapes = [
        AmperConfig(rows=100, variant="fr-dithered", groups=groups, batch=batch, search_ports=ports, draw_ports=ports)
        for groups in (1, 20)
        for batch in (1, 64)
        for ports in (1, 8)
    ]
    assert len({latency.constant_cycles(config) for config in shapes}) == 1


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
def test_nearest_neighbours_take_the_same_cycles_whatever_the_priorities(simulate, pipeline):
    config = AmperConfig(
        rows=20, bank_rows=8, priority_width=6, groups=3, batch=4, variant="k", pipeline=pipeline, neighbour_scale=9.0
    )
    one = [Beat((Write(3, 40),)), Settle(), Sample(4), Settle()]
    report = simulate(components.directed_sampler(config, [*one, *ramp(config), Settle(), Sample(4), Settle()]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["csp_sizes"] == [1, 20]
    assert [cycles[-1] for cycles in report["beats"]] == [latency.batch_cycles(config)] * 2


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
def test_a_fallback_takes_one_more_search(simulate, pipeline):
    config = AmperConfig(
        rows=20,
        variant="fr-dithered",
        bank_rows=8,
        priority_width=16,
        groups=3,
        batch=4,
        radius_scale=0.0,
        pipeline=pipeline,
    )
    report = simulate(components.directed_sampler(config, [*ramp(config), Settle(), Sample(4), Settle()]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"FALLBACK": 1}
    assert report["csp_sizes"] == [0]
    assert report["beats"][0][-1] == latency.batch_cycles(config) + latency.fallback_cycles(config)


# --- refusals and parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ports", [1, 4])
def test_a_refusal_takes_no_search(simulate, ports):
    config = AmperConfig(
        rows=20,
        variant="fr-dithered",
        bank_rows=8,
        priority_width=8,
        groups=3,
        batch=4,
        draw_ports=ports,
        radius_scale=40.0,
    )
    off, on = Control(Parameter.ENABLE, 0), Control(Parameter.ENABLE, 1)
    operations = [Sample(4), Sample(0), off, Sample(0), Sample(4), on, Beat((Write(3, 200),)), Sample(5), Sample(0)]
    report = simulate(components.directed_sampler(config, [*operations, Settle(), Sample(4)]))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"] == {"NO_VALID_ROW": 1, "BAD_BATCH": 3, "DISABLED": 2, "OK": 1}
    assert [len(cycles) for cycles in report["beats"]] == [1] * 6 + [4 // ports]


def test_a_refused_row_hinders_no_other_lane(simulate):
    """Lanes of one transfer: out of range, the same row twice (the higher lane is the later write), the same bank."""
    config = AmperConfig(
        rows=5,
        variant="fr-dithered",
        bank_rows=4,
        priority_width=8,
        groups=2,
        batch=3,
        write_ports=4,
        radius_scale=20.0,
    )
    operations = [
        Beat((Write(7, 9), Write(2, 50), Write(2, 60), Write(3, 70))),
        Sample(3),
        Beat((Write(2, 0, 1), Write(2, 80), Write(3, 10), Write(3, 0, 1))),
        Sample(3),
        Beat((None, Write(5, 1), None, Write(6, 1))),
        Sample(3),
        Settle(),
    ]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["refused_writes"] == 3
    assert report["csp_sizes"] == [2, 1, 1]


@pytest.mark.parametrize("overtake", [0.0, 1.0], ids=["later", "same_edge"])
def test_a_change_counts_from_the_next_request(simulate, overtake):
    """Every parameter, with a batch before it still under way and one after it, also taken at the same edge."""
    config = AmperConfig(
        rows=9, bank_rows=4, priority_width=8, groups=6, batch=5, variants=AMPER_VARIANTS, radius_scale=1.0
    )
    changes = [
        (Parameter.GROUPS, 3),
        (Parameter.GROUPS, 0),
        (Parameter.RADIUS, 12 << 20),
        (Parameter.RADIUS, 3 << 24),
        *((Parameter.VARIANT, code) for code in (1, 2, 3, 4, 0)),
        (Parameter.NEIGHBOURS, 9 << 20),
        (Parameter.VARIANT, 3),
        (Parameter.ROWS, 5),
        *((name, 1) for name in Parameter if name >= Parameter.QUERY_STATE_0),
        (Parameter.BATCH, 2),
        (Parameter.ENABLE, 0),
        (Parameter.ENABLE, 1),
        (Parameter.CLEAR, 1),
        (Parameter.ROWS, 5),
    ]
    operations = ramp(config)
    for change in changes:
        operations += [Sample(5, overtake_chance=overtake), Control(*change), Sample(4, overtake_chance=overtake)]
    operations += [*beats(config, [Write(row, 30 * row) for row in range(9)]), Sample(5), Settle()]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["refused_controls"] == 4
    assert report["refused_writes"] == 4
    assert report["statuses"]["DISABLED"] == 2


# --- resets ----------------------------------------------------------------------------------------------------


@pytest.mark.share(2)
@pytest.mark.parametrize("build", ["plain", "all"])
@pytest.mark.parametrize("ready_chance", [1.0, 0.1])
def test_reset_at_every_cycle_of_a_batch(simulate, ready_chance, build):
    """Afterwards nothing is left: the memory is empty, parameters and random streams are those of the configuration.

    Taken with a chance of 0.1, a result waits ten cycles, so that about ten resets fall between any two of a batch.
    """
    settings = BUILDS[build] | {"draw_ports": 1, "result_priority": True}
    config = AmperConfig(
        rows=5, bank_rows=2, fan_out=2, priority_width=4, groups=2, batch=3, radius_scale=1.0, **settings
    )
    # The last write takes the maximum away, so that resets also meet the search for the next one.
    writes = [Beat((write,)) for write in (Write(0, 3), Write(1, 9), Write(2, 15), Write(4, 6), Write(2, 0, 1))]
    moments = latency.settle_cycles(config) + latency.batch_cycles(config) + 10
    operations = []
    for after in range(moments):
        operations += [*writes, Sample(3, ready_chance), Control(Parameter.GROUPS, 1), Reset(after)]
        operations += [Sample(1)] if after % 3 == 0 else []  # nothing is valid
        operations += [*writes, Sample(3, ready_chance), Sample(2)]
        operations += [Reset(moments)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["resets"] == 2 * moments
    assert report["statuses"][Status.NO_VALID_ROW.name] == -(-moments // 3)
    wanted = [operation.batch for operation in operations if isinstance(operation, Sample)]
    came = [len(cycles) for cycles in report["beats"]]
    assert sum(beats == size for beats, size in zip(came, wanted, strict=True)) >= 2 * moments
    # Some batch was ended before its first result, some after one, some after two.
    assert {beats for beats, size in zip(came, wanted, strict=True) if beats < size} == {0, 1, 2}


def test_sizes_cover_all_pairs():
    """The Latin square above, so that nobody thins it out by accident."""
    for one, two, values in ((0, 1, (ROWS, WIDTHS)), (0, 2, (ROWS, GROUPS)), (1, 2, (WIDTHS, GROUPS))):
        pairs = {(size[one], size[two]) for size in SIZES}
        assert pairs == set(itertools.product(*values))
