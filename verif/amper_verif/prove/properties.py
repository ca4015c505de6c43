"""What is proven of which module, from any power-up state on, one cycle of reset; docs/reference/verification.md.

A property is the body of a module that has the component's inputs as its own, whatever they do, and its outputs as
wires. It asserts in every cycle without reset. Its seeded bug is a change of the Verilog under which it must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import TOP
from amper_spec.build import Bus
from amper_verif.prove.bodies import batches, buses, planes, records, rows, trees, units, vmax


@dataclass(frozen=True)
class Property:
    """``module`` : what is looked at, in the Verilog of a configuration with bus ``bus``. ``body`` : of it, with its
    assertions. ``case`` : what it is about, which has to occur. ``bug`` : a pattern in the module, or in ``bug_in``, a
    part of it, and what replaces it. ``cycles`` : that it holds for from a reset on; 0: for ever. ``values`` : of the
    configuration that is looked at, if not any is. ``free`` : inputs that ``body`` has beside the module's, with their
    bits. ``inside`` : registers and memories of the module that its invariants speak of.
    """

    name: str
    about: str
    module: str
    body: Callable[[AmperConfig], str]
    case: str
    bug: tuple[str, str]
    bug_in: str = ""
    bus: Bus = "native"
    cycles: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    free: Mapping[str, Callable[[AmperConfig], int]] = field(default_factory=dict)
    inside: tuple[str, ...] = ()


#: Configurations that are looked at.
_EXACT = {"rows": 4, "bank_rows": 4, "priority_width": 4, "groups": 2, "batch": 2}
_SHALLOW = {"rows": 2, "priority_width": 4, "batch": 2, "pipeline": "shallow"}
_FR = _EXACT | {"variant": "fr"}

PROPERTIES = (
    Property(
        "result-stable",
        "a result that is not taken stays, with its payload",
        "amper_draw_unit_queue",
        lambda config: buses.stable("r_rdy", "r_en", "r_data", "$bits(r_data)"),
        "r_rdy_held",
        (r"if \(free\) r_data <= ", "r_data <= "),
    ),
    Property(
        "rank-select",
        "the bit that is found is the r-th that is set",
        "amper_bit_select",
        units.bit_select,
        "done_valid && done_position != 0",
        (r"start_vector\[1\] & \(\{1'b0, start_vector\[0\]\} == start_rank\)", "start_vector[1]"),
    ),
    Property(
        "refused-changes",
        "a parameter that is refused leaves everything as it was",
        "amper_parameter_unit",
        units.refused,
        "checked && refused && taken_before",
        (r"& \(control_value <= 32'd12\)", ""),
    ),
    Property(
        "axi4-lite",
        "valid and payload stay until ready; one response to each request, in time, and none unasked",
        "amper_axi_lite",
        buses.axi_lite,
        "bus_bvalid_held && bus_rvalid_held",
        (r"if \(bus_bready\) bus_bvalid <= 1'b0;", "bus_bvalid <= 1'b0;"),
        bus="axi",
    ),
    Property(
        "axi4-stream",
        "results: valid and payload stay until ready; each is sent once, and nothing else",
        "amper_axi_results",
        buses.axi_results,
        "bus_tvalid_held && kept == 1",
        (r"if \(result_ready\) begin\n        bus_tvalid <= ", "begin\n        bus_tvalid <= "),
        bus="axi",
    ),
    Property(
        "wishbone",
        "each access that is taken has one answer, in the next cycle; none comes unasked or outside of a cycle",
        "amper",
        buses.wishbone,
        "wb_ack",
        (r"assign wb_ack = wb_cyc_and_wb_stall", "assign wb_ack = wb_stall"),
        bus="wishbone",
    ),
    Property(
        "match-line",
        "a row matches if its code lies in the range that is asked for",
        "amper_match_lines_4",
        rows.match_lines,
        "match == 4'b0110",
        (r"\(priorities\[7:4\] <= high\)", "(priorities[7:4] < high)"),
        values=_FR,
    ),
    Property(
        "match-line-ternary",
        "a row matches if its code has 0 and 1 where they are asked for",
        "amper_match_lines_4",
        rows.match_lines,
        "match == 4'b0110",
        (r"\(~priorities\[7:4\] & ones\)", "(priorities[7:4] & ones)"),
        values=_FR | {"variant": "fr-prefix"},
    ),
    Property(
        "csp-union",
        "the CSP are the rows that any of a batch's searches matches; a draw selects from it",
        "amper_bank_4",
        rows.union,
        "due[3] && select_due[1] && count_rows == 3 && any_due[2] && !match_any",
        (r"\(key_first \? 4'd0 : csp\) \| match", "match"),
        values=_FR,
        inside=rows.CSP_INSIDE,
    ),
    Property(
        "csp-rank",
        "a rank is word times |CSP| without 32 bits, and lies below |CSP|",
        "amper_multiplier_32x3_in_2",
        units.rank,
        "begun[1] && b == 3 && rank == 2",
        (r"a & \{32\{b\[1\]\}\}", "a"),
        values=_FR,
    ),
    Property(
        "csp-select",
        "of several banks, the one with the r-th row of the CSP answers, with the rank among its own",
        "amper_node_1_4",
        rows.csp_select,
        "selected && selected_0_bank == 1 && selected_0_rank == 1",
        (r"latest_1 <= child_0__count__rows;", "latest_1 <= child_1__count__rows;"),
        inside=rows.CSPS_INSIDE,
        values=_FR | {"bank_rows": 2},
    ),
    Property(
        "vmax",
        "where it says so, Vmax is the largest valid code, found bit by bit where it fell; never is one larger",
        "amper_vmax_unit",
        vmax.vmax,
        "searching && !any_row_due && found != 0",
        (r"\(~holder_known \| \(write_0_row == holder\)\)", "(write_0_row == holder)"),
        values=_FR,
        inside=vmax.INSIDE,
    ),
    Property(
        "plane",
        "the rows of a plane, and their number, are those whose code has the bit; what is read is what was written",
        "amper_bank_4",
        rows.plane,
        "since > 3 && selected_0_vector == 4'b0110 && plane_count_valid && plane_count_rows == 3",
        (r"plane_index == 2'd1", "plane_index == 2'd3"),
        values=_EXACT,
        inside=rows.PLANE_INSIDE,
    ),
    Property(
        "census",
        "T and the planes' sums are those of the rows' planes, in time behind the last change",
        "amper_census",
        planes.census,
        "current && sums_total > 9 && sums_uppers != 0",
        (r"last_due <= changed \? 4'd0 : ", "last_due <= "),
        values=_EXACT,
    ),
    Property(
        "place",
        "the place is word times T without RW bits, and lies in T",
        "amper_place",
        planes.place,
        "known[1] && stays && place == 2",
        (r"product\[25:20\]", "product[24:19]"),
        values=_EXACT,
    ),
    Property(
        "plane-rank",
        "the plane is the one in whose part of T the place lies, and the rank is below its rows",
        "amper_plane_choice",
        planes.choice,
        "known[1] && stay && plane == 2 && found == 1",
        (r"starts\[0\] & ~starts\[1\]", "starts[0]"),
        values=_EXACT,
    ),
    Property(
        "plane-select",
        "of several banks, the one with the r-th row of a plane answers, with the rank among its own",
        "amper_node_1_4",
        rows.plane_select,
        "drawn && selected_0_bank == 1 && selected_0_rank == 1",
        (r"plane_0_below_1 <= plane_1_below_1;", ""),
        inside=rows.PLANES_INSIDE,
        values=_EXACT | {"bank_rows": 2},
    ),
    Property(
        "tree",
        "T is the sum of all codes, and a place in it comes out as the row in whose part it lies, with its code",
        "amper_tree_bank",
        trees.tree,
        "drawn && drawn_row && drawn_value == 3 && due[0] && seen_1 != seen_5",
        (r"old_code <= again \? code_3 : ", "old_code <= "),
        bug_in="amper_codes",
        inside=trees.INSIDE,
        values={"organisation": "tree", "rows": 2, "priority_width": 4, "batch": 2},
    ),
    Property(
        "requests",
        "a request becomes one record, of its size and with its status, at once or when everything is settled",
        "amper_controller",
        records.requests,
        "waiting && issued && record_status == 0",
        (r"request_ready = record_ready & ~hold", "request_ready = ~hold"),
        values=_SHALLOW,
    ),
    Property(
        "results",
        "a record has as many results as it asks for, the last marked, or its error, in order; none is unasked",
        "amper_draw_unit",
        records.results,
        "answered && result_status == 0 && done == 1 && count > 2",
        (r"last <= ~waiting_is_0 \| \(waiting\[1:0\] <= 2'd1\)", "last <= waiting[1:0] <= 2'd1"),
        bug_in="amper_draw_beats",
        values=_SHALLOW,
        inside=records.INSIDE,
    ),
    Property(
        "answers",
        f"a request has as many results as it asks for, the last marked, or one error; {batches.ANSWER} cycles without "
        "a result at most; none is unasked",
        TOP,
        batches.answers,
        "whole",
        (r"controller__at_once = ~write_valid & ~control_valid", "controller__at_once = 1'b1"),
        cycles=20,
        values=_SHALLOW,
        free={"pick": lambda config: 1},
    ),
    Property(
        "draws",
        "a row that is drawn has a code, as the request saw the rows, and comes with it; where none has, none is drawn",
        TOP,
        batches.draws,
        "its && result_status == 0 && result_row == 1 && result_priority == 9 && seen[3:0] == 2",
        (r"controller__open & draw_unit__drained", "controller__open"),
        cycles=20,
        values=_SHALLOW,
        free={"pick": lambda config: 1},
    ),
)
