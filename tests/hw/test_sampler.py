"""The whole sampler in simulation: random workloads, the cycles of a batch, resets at every moment."""

import itertools

import pytest

from amper import AmperConfig, Status
from amper_hw import latency
from amper_verif import components
from amper_verif.workload import Reset, Sample, Write

ROWS = (1, 2, 7, 64, 100, 257)
WIDTHS = (4, 8, 16)
GROUPS = (1, 3, 20)
BANK_ROWS = {1: 2, 2: 2, 7: 4, 64: 16, 100: 16, 257: 64}
BATCHES = {1: 3, 2: 1, 7: 8, 64: 20, 100: 33, 257: 64}

# A Latin square: every pair of rows and width, of rows and groups, and of width and groups occurs.
SIZES = [(rows, width, GROUPS[(i + j) % 3]) for i, rows in enumerate(ROWS) for j, width in enumerate(WIDTHS)]


def config_of(rows, priority_width, groups, variant="fr-dithered"):
    return AmperConfig(
        rows=rows,
        priority_width=priority_width,
        groups=groups,
        batch=BATCHES[rows],
        variant=variant,
        radius_scale=0.05 * groups if rows > 64 else 0.5,
        seed=1000 * rows + groups,
        bank_rows=BANK_ROWS[rows],
        fan_out=4,
    )


def check_random(report):
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["batches"] >= 50
    assert report["compared"] > 30  # resets end some batches, and with b = 1 a batch is one beat
    assert report["statuses"]["OK"] > 0
    assert report["statuses"]["NO_VALID_ROW"] > 0


@pytest.mark.parametrize("variant", ["fr-dithered", "fr-prefix"])
@pytest.mark.parametrize(("rows", "priority_width", "groups"), SIZES)
def test_random_workload(simulate, rows, priority_width, groups, variant):
    check_random(simulate(components.sampler(config_of(rows, priority_width, groups, variant)), seed=groups))


@pytest.mark.parametrize(("rows", "priority_width", "groups"), [(7, 4, 3), (100, 16, 20), (257, 8, 1)])
def test_random_workload_in_verilator(simulate, rows, priority_width, groups):
    unit = components.sampler(config_of(rows, priority_width, groups), batches=200)
    check_random(simulate(unit, simulator="verilator"))


# --- cycles ----------------------------------------------------------------------------------------------------


def ramp(rows, config):
    """Ascending writes, so that Vmax is exact after the last one, which holds the largest code."""
    top = config.priority_max
    return [Write(row, top * (row + 1) // rows) for row in range(rows)]


@pytest.mark.parametrize(
    ("rows", "bank_rows", "fan_out", "priority_width", "groups", "batch"),
    [
        (7, 64, 8, 4, 3, 5),
        (64, 64, 8, 16, 20, 64),
        (100, 16, 4, 8, 3, 33),
        (257, 64, 8, 16, 20, 64),
        (33, 2, 2, 8, 5, 9),
    ],
)
def test_a_batch_takes_m_plus_b_plus_c_cycles_whatever_the_csp(
    simulate, rows, bank_rows, fan_out, priority_width, groups, batch
):
    """From |CSP| = 1 to |CSP| = n; and the draws come one a cycle."""
    config = AmperConfig(
        rows=rows,
        bank_rows=bank_rows,
        fan_out=fan_out,
        priority_width=priority_width,
        groups=groups,
        batch=batch,
        radius_scale=15.0 * groups,  # the last group's key matches every row
    )
    sizes = [1, batch, batch // 2]
    samples = [Sample(size) for size in sizes]
    # Several writes first: in the cycles after a reset the first random words are still on their way.
    operations = [*[Write(0, config.priority_max)] * 8, *samples, *ramp(rows, config)[1:], *samples]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0
    assert report["csp_sizes"] == [1, 1, 1, rows, rows, rows]
    for size, beats in zip(sizes * 2, report["beats"], strict=True):
        last = latency.batch_cycles(config, size)
        assert beats == list(range(last - size + 1, last + 1))
        assert last == groups + size + latency.constant_cycles(config)


def test_c_does_not_depend_on_groups_or_batch():
    """The promise is m + b + c: c is a property of Q and of the array's shape alone."""
    shapes = [AmperConfig(rows=100, groups=groups, batch=batch) for groups in (1, 20) for batch in (1, 64)]
    assert len({latency.constant_cycles(config) for config in shapes}) == 1


def test_a_fallback_takes_one_more_search(simulate):
    config = AmperConfig(rows=20, bank_rows=8, priority_width=16, groups=3, batch=4, radius_scale=0.0)
    report = simulate(components.directed_sampler(config, [*ramp(20, config), Sample(4)]))
    assert report["statuses"] == {"FALLBACK": 1}
    assert report["csp_sizes"] == [0]
    assert report["beats"][0][-1] == latency.batch_cycles(config) + latency.fallback_cycles(config)


def test_a_refusal_takes_no_search(simulate):
    config = AmperConfig(rows=20, bank_rows=8, priority_width=8, groups=3, batch=4)
    operations = [Sample(4), Sample(0), Write(3, 200), Sample(5), Sample(0)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["statuses"] == {"NO_VALID_ROW": 1, "BAD_BATCH": 3}
    refusal = latency.PREPARE_CYCLES + latency.DRAW_START_CYCLES + latency.QUEUE_CYCLES
    assert report["beats"] == [[refusal]] * 4


# --- resets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ready_chance", [1.0, 0.4])
def test_reset_at_every_cycle_of_a_batch(simulate, ready_chance):
    """Afterwards nothing of the batch is left: the memory is empty and both random streams begin again."""
    config = AmperConfig(rows=5, bank_rows=2, fan_out=2, priority_width=4, groups=2, batch=3, radius_scale=1.0)
    # The last write takes the maximum away, so that resets also meet the search for the next one.
    writes = [Write(0, 3), Write(1, 9), Write(2, 15), Write(4, 6), Write(2, 0, 1)]
    moments = latency.settle_cycles(config) + latency.batch_cycles(config) + 10
    operations = []
    for after in range(moments):
        operations += [*writes, Sample(3, ready_chance), Reset(after)]
        operations += [Sample(1)] if after % 3 == 0 else []  # nothing is valid
        operations += [*writes, Sample(3, ready_chance), Sample(2)]
        operations += [Reset(moments)]
    report = simulate(components.directed_sampler(config, operations))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["resets"] == 2 * moments
    assert report["statuses"][Status.NO_VALID_ROW.name] == -(-moments // 3)
    wanted = [operation.batch for operation in operations if isinstance(operation, Sample)]
    came = [len(beats) for beats in report["beats"]]
    assert sum(beats == size for beats, size in zip(came, wanted, strict=True)) >= 2 * moments
    # Some batch was ended before its first result, some after one, some after two.
    assert {beats for beats, size in zip(came, wanted, strict=True) if beats < size} == {0, 1, 2}


def test_sizes_cover_all_pairs():
    """The Latin square above, so that nobody thins it out by accident."""
    for one, two, values in ((0, 1, (ROWS, WIDTHS)), (0, 2, (ROWS, GROUPS)), (1, 2, (WIDTHS, GROUPS))):
        pairs = {(size[one], size[two]) for size in SIZES}
        assert pairs == set(itertools.product(*values))
