"""What ``amper verify`` makes sure of, whatever the seed."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from amper import VARIANTS, AmperConfig, Parameter
from amper.operations.random import random_operations
from amper.operations.vocabulary import Beat, Control, Sample, Write
from amper_hw.base import latency
from amper_verif.benches.sampler.cycles import CycleCheck
from amper_verif.benches.sampler.vmax_check import VmaxCheck
from amper_verif.harness.scoreboard import Scoreboard
from amper_verif.harness.simulators import SimulationError
from amper_verif.verify import Verification, verify

SMALL = AmperConfig(rows=12, priority_width=6, groups=3, batch=6, bank_rows=4)
ALL = replace(SMALL, variants=VARIANTS, variant="exact")


def drawn(config: AmperConfig, batches: int, seed: int) -> tuple[Scoreboard, set[str]]:
    """The operations in the golden model alone; with what statuses."""
    board, statuses = Scoreboard(config), set()
    for operation in random_operations(config, batches, seed, resets=False):
        if isinstance(operation, Sample):
            statuses.add(board.request(operation.batch).name)
        elif isinstance(operation, Control):
            board.control(*operation)
        else:
            for write in getattr(operation, "writes", ()):
                if write is not None:
                    board.write(write)
    return board, statuses


@pytest.mark.parametrize("batches", [3, 20, 100])
@pytest.mark.parametrize("seed", range(60))
def test_every_variant_draws_and_every_refusal_occurs(batches, seed):
    """Regression: over 60 seeds no batch of fr in 26 of them, and of k in 18."""
    board, statuses = drawn(ALL, batches, seed)
    assert set(board.variants) == set(VARIANTS)
    assert {"OK", "NO_VALID_ROW", "DISABLED", "BAD_BATCH"} <= statuses
    if batches == 100:
        assert min(board.variants.values()) >= 5
        assert sum(board.variants.values()) > 60  # regression: one seed had 42 DISABLED


def test_illegal_rows_while_empty_are_among_them():
    before = random_operations(SMALL, 3, 1)[:4]
    assert Control(Parameter.ROWS, 0) in before
    assert Control(Parameter.ROWS, SMALL.rows + 1) in before
    assert all(isinstance(operation, (Control, Sample)) for operation in before)


def test_all_variants_in_simulation(tmp_path):
    result = verify(ALL, simulator="icarus", batches=20, corners=False, folder=tmp_path)
    assert result.passed
    assert set(result.variants) == set(VARIANTS)
    assert result.undrawn == ()


def test_a_variant_that_never_drew_is_a_failure():
    found = Verification("icarus", 3, 9, 0, "", {"exact": 3}, ("k",), {}, 0, 0, 0, 9, 1, None, None, ())
    assert not found.passed
    assert replace(found, undrawn=()).passed


def waits_for_ready(verilog: str) -> str:
    """The result stream's valid only where ready is 1 already."""
    broken, hits = re.subn(
        r"(?s)(module amper_draw_unit \(.*?)(\n  \S+ queue \(.*?)\.r_rdy\(result_valid\)",
        r"\1\n  wire offered;\n  assign result_valid = offered & result_ready;\2.r_rdy(offered)",
        verilog,
    )
    assert hits == 1
    return broken


def test_a_valid_that_waits_for_ready_is_noticed(tmp_path):
    with pytest.raises(SimulationError, match="the device hangs"):
        verify(SMALL, simulator="icarus", batches=40, corners=False, folder=tmp_path, mutate=waits_for_ready)


def a_cycle_late(verilog: str) -> str:
    """Every request becomes a record a cycle after it was taken, with the same results."""
    broken, hits = re.subn(r"(wire settled_and_at_once =) settled & at_once;", r"\1 1'b0;", verilog)
    assert hits == 1
    return broken


def test_a_batch_that_takes_a_cycle_more_is_noticed(tmp_path):
    assert (verify(SMALL, simulator="icarus", batches=3, corners=False, folder=tmp_path).timed or 0) >= 2
    late = verify(SMALL, simulator="icarus", batches=3, corners=False, folder=tmp_path, mutate=a_cycle_late)
    assert not late.passed
    assert re.search(r"^cycles of batch \d+: expected 22, got 23$", late.first_mismatch)


def a_product_without_a_bit(verilog: str) -> str:
    """A place in T is one too low where the product ends in few: chance finds it once in 10^4 draws."""
    broken, hits = re.subn(r"(wire \[\d+:0\] row_0_xor_row_1 =) ([^;]+);", r"\1 (\2) & ~34'h400;", verilog)
    assert hits == 1
    return broken


def test_corners(tmp_path):
    """The smallest sampler; a bigger one is in the next test."""
    tiny = AmperConfig(rows=2, priority_width=4, batch=1, bank_rows=2)
    assert verify(tiny, simulator="icarus", batches=3, folder=tmp_path).passed


@pytest.mark.long
def test_only_corners_notice_a_low_bit_of_a_product(tmp_path):
    found = [
        verify(SMALL, simulator="icarus", batches=60, corners=corners, folder=tmp_path, mutate=a_product_without_a_bit)
        for corners in (False, True)
    ]
    assert [one.passed for one in found] == [True, False]
    assert verify(SMALL, simulator="icarus", batches=60, folder=tmp_path).passed


def test_nothing_timed_is_a_failure():
    found = Verification("icarus", 3, 9, 0, "", {"exact": 3}, (), {}, 0, 0, 0, 9, 1, None, None, ())
    assert found.passed
    assert replace(found, timed=None).passed  # of a trace
    assert not replace(found, timed=0).passed


@pytest.mark.parametrize("variants", [("exact",), VARIANTS])
def test_a_batch_that_is_not_alone_is_bounded_too(variants):
    """From the answer before; cycles in which the result was not taken do not count."""
    config = replace(ALL, variants=variants)
    board = Scoreboard(config)
    board.write(Write(0, 9))
    check = CycleCheck(config, board)
    most = latency.batch_cycles(config) + latency.unsettled_cycles(config)

    def two_batches(first: int, second: int, stalls: int) -> int:
        check.reset(0)
        for cycle in (5, 6):
            check.requested(cycle, config.batch, board.request(config.batch))
        check.answered(5 + first)
        for _ in range(stalls):
            check.stalled()
        check.answered(5 + first + second)
        return board.mismatches

    assert two_batches(most, most, 0) == 0
    assert two_batches(most, most + 7, 7) == 0
    assert two_batches(most, most + 7, 6) == 1
    assert two_batches(most + 1, most, 0) == 2


def test_registers_power_up_with_anything_in_verilator(tmp_path):
    """A register that needs no reset only because it happens to begin with 0."""

    def without_reset(verilog: str) -> str:
        broken, hits = re.subn(r"\n      inner_level <= \d+'d0;", "", verilog, count=1)
        assert hits == 1
        return broken

    assert verify(SMALL, simulator="verilator", batches=10, corners=False, folder=tmp_path).passed
    with pytest.raises((SimulationError, AssertionError)):
        assert verify(
            SMALL, simulator="verilator", batches=10, corners=False, folder=tmp_path, mutate=without_reset
        ).passed


def seen_after(writes, *cycles):
    """What VmaxCheck says to (vmax, vmax_exact) in the cycles after the last of ``writes``, each seen to be exact."""
    board = Scoreboard(ALL)
    port = {name: SimpleNamespace(value=0) for name in ("vmax", "vmax_exact")}
    check = VmaxCheck(SimpleNamespace(**port), ALL, board)
    for place, (row, code) in enumerate(writes):
        check.written(Beat((Write(row, code),)))
        board.write(Write(row, code))
        settled = [(board.model.vmax, 1)]
        for vmax, exact in cycles if place == len(writes) - 1 else settled:
            port["vmax"].value, port["vmax_exact"].value = vmax, exact
            check.observe()
    return board.first_mismatch


LATE = [(9, 0)] * 3


def test_vmax_is_exact_at_once_while_the_row_that_holds_it_is_known():
    assert seen_after([(0, 9)], (9, 0), (9, 0), (9, 1)) == ""
    assert seen_after([(0, 9), (1, 5)], *LATE) == "vmax_exact 3 cycles after a write: expected 1, got 0"
    assert seen_after([(0, 9), (1, 9)], *LATE) == "vmax_exact 3 cycles after a write: expected 1, got 0"
    assert seen_after([(0, 9), (1, 9), (0, 3)], *LATE) == "vmax_exact 3 cycles after a write: expected 1, got 0"


def test_vmax_may_be_searched_where_the_row_that_held_it_is_lowered():
    longest = 2 + latency.settle_cycles(ALL)
    assert seen_after([(0, 9), (1, 5), (0, 3)], *[(9, 0)] * longest, (5, 1)) == ""
    assert "expected 1, got 0" in seen_after([(0, 9), (1, 5), (0, 3)], *[(9, 0)] * (longest + 1))
    assert seen_after([(0, 9), (1, 5), (0, 3)], (9, 1)) == "vmax 1 cycles after a write: expected 5, got 9"


def test_a_request_waits_for_no_more_than_one_batch():
    check = CycleCheck(SMALL, Scoreboard(SMALL))
    check.has_room(1000, 8)
    check.changed(950)
    check.has_room(1000, 9)  # there may be something to settle
    with pytest.raises(AssertionError, match="a request waits for 9 cycles behind a single batch"):
        check.has_room(2000, 9)
