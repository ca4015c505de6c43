"""The operations of the sampler's bench and its scoreboard: what is generated, and what is noticed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel, Parameter, Status, quantise
from amper.operations.random import random_operations
from amper.operations.recorded import trace_operations
from amper.operations.trace import Draw, Trace
from amper.operations.vocabulary import Beat, Control, Reset, Sample, Settle, Write, beats, decoded, encoded
from amper.operations.workload import ramp, workload
from amper_verif.harness.scoreboard import Result, Scoreboard, lane_values

CONFIG = AmperConfig(
    rows=20, bank_rows=8, priority_width=8, groups=5, batch=6, variants=AMPER_VARIANTS, radius_scale=1.0
)
KEPT_TRACE = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"

# --- operations ----------------------------------------------------------------------------------------------------


def test_operations_survive_json():
    operations = [
        Beat((Write(1, 2), None, Write(3, 0, 1))),
        Beat(()),
        Control(Parameter.RADIUS, 7),
        Sample(3, 0.5, 0.25, 1.0),
        Settle(),
        Reset(4),
    ]
    read = decoded(json.loads(json.dumps(encoded(operations))))
    assert read == operations
    assert [type(operation) for operation in read] == [type(operation) for operation in operations]
    listed = {"kind": "listed", "operations": encoded(operations)}
    assert workload(CONFIG, listed, seed=1) == operations


@pytest.mark.parametrize("ports", [1, 4])
def test_writes_are_grouped_in_their_order(ports):
    writes = [Write(row, row) for row in range(10)]
    grouped = beats(replace(CONFIG, write_ports=ports), writes)
    assert [write for beat in grouped for write in beat.writes] == writes
    assert [len(beat.writes) for beat in grouped] == ([1] * 10 if ports == 1 else [4, 4, 2])


def test_a_ramp_ascends_to_the_largest_code():
    codes = [beat.writes[0].priority for beat in ramp(CONFIG)]
    assert codes == sorted(codes)
    assert (len(codes), codes[-1]) == (20, 255)


@pytest.mark.parametrize("ports", [1, 4])
def test_a_trace_keeps_the_writes_of_every_draw(ports):
    trace = Trace.load(KEPT_TRACE)
    config = AmperConfig(rows=trace.rows, variant="fr-dithered", batch=trace.batch, write_ports=ports)
    model, other = GoldenModel(config), GoldenModel(config)
    recorded = iter(list(trace.operations())[:900])
    draws = 0
    for operation in trace_operations(config, trace, 900):
        if isinstance(operation, Beat):
            assert 1 <= len(operation.writes) <= ports
            for write in operation.writes:
                model.write(write.row, write.priority)
            continue
        for step in recorded:
            if isinstance(step, Draw):
                assert operation.batch == len(step.rows)
                break
            other.write(step.row, int(quantise(step.priority, config)))
        assert model.priorities == other.priorities
        draws += 1
    assert draws > 0


@pytest.mark.parametrize("ports", [1, 4])
def test_random_operations(ports):
    """The same seed gives the same ones; lanes and values fit their ports; everything comes up."""
    config = replace(CONFIG, write_ports=ports)
    operations = random_operations(config, 400, seed=3)
    assert operations == random_operations(config, 400, seed=3) != random_operations(config, 400, seed=4)
    kinds = Counter(type(operation) for operation in operations)
    assert all(kinds[kind] > 1 for kind in (Beat, Control, Sample, Settle, Reset))
    assert kinds[Sample] >= 400
    lanes = [operation.writes for operation in operations if isinstance(operation, Beat)]
    writes = [write for beat in lanes for write in beat if write is not None]
    assert max(map(len, lanes)) == ports
    assert min(map(len, lanes)) == (1 if ports == 1 else 0)
    assert any(None in beat for beat in lanes) == (ports > 1)
    assert {write.row for write in writes} >= {*range(20), 20}
    assert all(write.row < 32 and write.priority < 256 for write in writes)
    controls = [operation for operation in operations if isinstance(operation, Control)]
    assert {control.parameter for control in controls} == set(Parameter)
    assert all(0 <= control.value < 1 << 32 for control in controls)
    assert not any(isinstance(operation, Reset) for operation in random_operations(config, 400, seed=3, resets=False))


# --- the scoreboard ------------------------------------------------------------------------------------------------


def board_of(**changes):
    board = Scoreboard(replace(CONFIG, **changes))
    for row in range(20):
        assert not board.write(Write(row, 10 * row))
    return board


def test_results_as_they_must_be():
    board = board_of(draw_ports=4)
    assert board.request(6) == Status.OK
    drawn = board.model.last_batch
    first, second = board.expected
    assert first == Result(drawn.indices[:4], drawn.priorities[:4], 0, Status.OK)
    assert second == Result(drawn.indices[4:], drawn.priorities[4:], 1, Status.OK)
    board.result(first)
    board.result(second)
    assert (board.batches, board.compared, board.mismatches) == (1, 6, 0)
    board.check_finished()


def test_results_without_priorities():
    board = board_of(result_priority=False)
    board.request(2)
    assert [result.priorities for result in board.expected] == [(), ()]


@pytest.mark.parametrize(
    "change", [{"rows": (19, 18)}, {"priorities": (1, 2)}, {"last": 0}, {"status": Status.FALLBACK}]
)
def test_any_difference_is_a_mismatch(change):
    board = board_of(draw_ports=2)
    board.request(2)
    good = board.expected[0]
    bad = good._replace(**change)
    assert bad != good
    board.result(bad)
    board.result(good)  # nothing is due any more
    assert board.mismatches == 2
    assert board.first_mismatch == f"index 2 of 1 batches: expected {good}, got {bad}"


def test_results_that_never_came():
    board = board_of()
    with pytest.raises(AssertionError, match="no result was compared"):
        board.check_finished()
    board.request(2)
    with pytest.raises(AssertionError, match="2 results never came, the first is Result"):
        board.check_finished()


def test_refusals():
    """In the order in which the hardware checks."""
    board = Scoreboard(CONFIG)
    assert board.request(1) == Status.NO_VALID_ROW
    assert board.request(0) == board.request(7) == Status.BAD_BATCH
    assert not board.control(Parameter.ENABLE, 0)
    assert board.request(0) == Status.DISABLED
    assert board.write(Write(20, 3))
    assert board.write(Write(31, 3, 1))
    assert board.control(Parameter.ENABLE, 2)
    assert (board.errors, board.searches) == (7, 0)
    assert [result.status for result in board.expected] == [2, 3, 3, 4]
    assert {result[:3] for result in board.expected} == {((0,), (0,), 1)}
    board.reset()
    assert (board.errors, len(board.expected), board.request(0)) == (0, 0, Status.BAD_BATCH)


def test_counters():
    board = board_of()
    board.request(1)
    assert (board.searches, board.valid_rows, board.csp_size) == (5, 20, board.model.last_batch.csp_size)
    board.control(Parameter.GROUPS, 3)
    board.control(Parameter.VARIANT, AMPER_VARIANTS.index("k"))
    board.request(1)
    assert board.searches == 5 + 3 * 10
    board.control(Parameter.VARIANT, AMPER_VARIANTS.index("fr"))
    board.control(Parameter.RADIUS, 0)
    for row in range(20):
        board.write(Write(row, 255))
    while board.request(1) == Status.OK:
        board.searches = 35
    assert (board.searches, board.csp_size) == (35 + 3 + 1, 0)
    board.control(Parameter.CLEAR, 1)
    assert board.valid_rows == 0


# --- results as ports say them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("priorities", [True, False])
def test_lanes_of_a_port(priorities):
    config = replace(CONFIG, draw_ports=4, result_priority=priorities)
    row, priority = 7 | 19 << 5, 200 | 3 << 8
    found = Result.of_port(config, row=row, priority=priority, lanes=0b11, last=1, status=0)
    assert found == Result((7, 19), (200, 3) if priorities else (), 1, 0)
    refused = Result.of_port(config, row=0, priority=0, lanes=0, last=1, status=3)
    assert refused == Result((0,), (0,) if priorities else (), 1, 3)


@pytest.mark.parametrize(("lanes", "status"), [(0b101, 0), (0b10, 0), (0, 0), (1, 2)])
def test_lanes_that_must_not_be(lanes, status):
    config = replace(CONFIG, draw_ports=4)
    with pytest.raises(AssertionError, match="result_lanes must"):
        Result.of_port(config, row=0, priority=0, lanes=lanes, last=1, status=status)


def test_lanes_without_a_draw_are_zero():
    config = replace(CONFIG, draw_ports=4)
    with pytest.raises(AssertionError, match="lane 2 without a draw must be 0, not row 31"):
        Result.of_port(config, row=7 | 19 << 5 | 31 << 10, priority=0, lanes=0b11, last=1, status=0)


def test_lane_values():
    codes = np.random.default_rng(1).integers(0, 32, 8).tolist()
    port = sum(code << 5 * index for index, code in enumerate(codes))
    assert lane_values(port, 5, 8) == tuple(codes)
    assert lane_values(port, 5, 3) == tuple(codes[:3])
