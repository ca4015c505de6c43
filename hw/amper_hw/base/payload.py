"""Payloads of the sampler's streams and the ports of the row array; all widths come from the configuration."""

from __future__ import annotations

from amaranth.hdl import ShapeLike, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import index_width
from amper_hw.base.variants import has_both, has_candidates, has_exact, has_tree, in_lut_ram
from amper_hw.planes.lut_ram.skew import skewed_width, vector_width
from amper_hw.planes.ports import plane_signature
from amper_spec.config import AMPER_VARIANTS, COEFFICIENT_WIDTH, VARIANTS, AmperConfig
from amper_spec.parameters import PARAMETER_WIDTH, VALUE_WIDTH
from amper_spec.status import STATUS_WIDTH as STATUS_WIDTH
from amper_spec.status import Status

COUNTER_WIDTH = 32
FAULT_COUNTER_WIDTH = 16

# As plain integers, which Amaranth makes no wider than they are (docs/reference/algorithm.md, "Statuses of a result").
OK, FALLBACK, NO_VALID_ROW, BAD_BATCH, DISABLED, ROW_FAULT = (status.value for status in Status)


def variant_width(config: AmperConfig) -> int:
    """Bits of a variant's number: as many as the largest one that may be built in beside those that are."""
    return index_width(len(VARIANTS if has_exact(config) else AMPER_VARIANTS))


def lanes(shape: ShapeLike, count: int) -> ShapeLike:
    """``shape`` once per lane: itself for a single lane, so that its port stays plain."""
    return shape if count == 1 else data.ArrayLayout(shape, count)


def lane(value: Value | data.View, index: int, count: int) -> Value:
    """Lane ``index`` of a value of the shape ``lanes(..., count)``."""
    return Value.cast(value if count == 1 else value[index])


def write_layout(config: AmperConfig) -> data.StructLayout:
    """A beat of W priority writes: ``priority`` into ``row``, or ``row`` made invalid where ``invalidate`` is 1.

    With more than one lane, ``lanes`` says which hold a write; a higher lane is the later write.
    """
    ports = config.write_ports
    fields: dict[str, ShapeLike] = {
        "row": lanes(config.row_width, ports),
        "priority": lanes(config.priority_width, ports),
        "invalidate": ports,
    }
    return data.StructLayout(fields | ({"lanes": ports} if ports > 1 else {}))


def request_layout(config: AmperConfig) -> data.StructLayout:
    """A sample request: the number of draws, 1 to b."""
    return data.StructLayout({"batch": config.batch_width})


def control_layout() -> data.StructLayout:
    """A change of a parameter: its number (``amper_spec.parameters.Parameter``) and its value."""
    return data.StructLayout({"parameter": PARAMETER_WIDTH, "value": VALUE_WIDTH})


def result_layout(config: AmperConfig) -> data.StructLayout:
    """A beat of up to D draws: ``row`` and its ``priority``; ``last`` of its batch; ``status``.

    With more than one lane, ``lanes`` says which hold a draw: the lowest ones, all but in the last beat of a batch.
    """
    ports = config.draw_ports
    fields: dict[str, ShapeLike] = {"row": lanes(config.row_width, ports)}
    if config.result_priority:
        fields["priority"] = lanes(config.priority_width, ports)
    if ports > 1:
        fields["lanes"] = ports
    return data.StructLayout(fields | {"last": 1, "status": STATUS_WIDTH})


def record_layout(config: AmperConfig) -> data.StructLayout:
    """A batch on its way to its draws: ``batch`` rows to draw, or a ``status`` that refuses it.

    ``exact``, where another variant is built in, too: the variant.
    """
    fields: dict[str, ShapeLike] = {"batch": config.batch_width, "status": STATUS_WIDTH}
    return data.StructLayout(fields | ({"exact": 1} if has_both(config) else {}))


def csp_layout(config: AmperConfig) -> data.StructLayout:
    """A counted CSP: its ``rows``, and whether they are all valid rows because no row matched."""
    return data.StructLayout({"rows": config.count_width, "fallback": 1})


def key_layout(config: AmperConfig) -> data.StructLayout:
    """A beat of P searches; ``first`` and ``last`` of the beats whose union is the CSP.

    ``valid``: the lanes that hold a search. A range array matches codes from ``low`` to ``high`` (none if low > high);
    a ternary array those that equal ``value`` where ``mask`` is 1. A ``probe`` leaves the CSP alone: its lane 0 only
    asks whether any row matches, other than those written in the same cycle.
    """
    ports, width = config.search_ports, config.priority_width
    names = ("low", "high") if config.range_match else ("value", "mask")
    codes = {name: lanes(width, ports) for name in names}
    return data.StructLayout({"valid": ports, **codes, "first": 1, "last": 1, "probe": 1})


def query_layout(config: AmperConfig) -> data.StructLayout:
    """What the query generator sends: a ``key``; a ``census`` asks only for the count of its own match set."""
    return data.StructLayout({"key": key_layout(config), "census": 1})


def parameter_signature(config: AmperConfig) -> wiring.Signature:
    """The parameters in force, seen from the parameter unit; the data are stable while ``ready`` is 1.

    ``group_shift`` is ceil(log2 m) of the m in force; ``reciprocal`` and ``radius`` (the coefficient lambda' / m)
    follow a change of m or lambda' by a serial division, during which ``ready`` is 0. Without a variant that has
    groups, all of that is left out.
    """
    of_groups: dict[str, wiring.Member] = {
        "groups": Out(config.groups_width),
        "group_shift": Out((config.groups - 1).bit_length().bit_length() or 1),
        "reciprocal": Out(config.fraction_width + 1),
        "radius": Out(COEFFICIENT_WIDTH),
        "neighbours": Out(COEFFICIENT_WIDTH),
    }
    return wiring.Signature(
        {
            "ready": Out(1),
            **(of_groups if has_candidates(config) else {}),
            "variant": Out(variant_width(config)),
            "batch": Out(config.batch_width),
            "rows": Out(config.rows.bit_length()),
            "enable": Out(1),
        }
    )


def start_signature() -> wiring.Signature:
    """A stream without a payload, seen from its sender: make the queries of a batch."""
    return wiring.Signature({"valid": Out(1), "ready": In(1)})


def strobe_signature(shape: ShapeLike) -> wiring.Signature:
    """A payload that is taken in the cycle in which it is ``valid``, seen from its sender."""
    return wiring.Signature({"valid": Out(1), "payload": Out(shape)})


def count_signature(most: int) -> wiring.Signature:
    """A number of ``rows``, at most ``most``, that is taken in the cycle in which it is ``valid``."""
    return wiring.Signature({"valid": Out(1), "rows": Out(most.bit_length())})


def stream_load_signature() -> wiring.Signature:
    """A random stream's state, set in 32 bits at a time: ``word`` 0 and 1 are those of s0, 2 and 3 those of s1."""
    return wiring.Signature({"valid": Out(1), "word": Out(2), "value": Out(VALUE_WIDTH)})


def fault_members(config: AmperConfig) -> dict[str, wiring.Member]:
    """Of rows in RAM with protection: ``faults_repaired``, how often what had flipped was made anew since reset, and
    ``faults_lost``, how often a row's code could not be, both modulo 2^16; ``lost_row``, while ``row_fault`` is 1 for
    good: a row that has to be written."""
    return {
        "faults_repaired": Out(FAULT_COUNTER_WIDTH),
        "faults_lost": Out(FAULT_COUNTER_WIDTH),
        "lost_row": Out(config.row_width),
    }


def monitor_members(config: AmperConfig) -> dict[str, wiring.Member]:
    """What can be read back of a sampler at any time, without a handshake."""
    of_candidates: dict[str, wiring.Member] = {
        "vmax": Out(config.priority_width),
        "vmax_exact": Out(1),
        "csp_size": Out(config.count_width),
        "valid_rows": Out(config.count_width),
        "searches": Out(COUNTER_WIDTH),
    }
    return {
        "write_refused": Out(1),
        "control_refused": Out(1),
        "busy": Out(1),
        **(of_candidates if has_candidates(config) else {}),
        **({"total": Out(config.total_width)} if has_exact(config) else {}),
        **({"row_fault": Out(1)} if config.protected else {}),
        **(fault_members(config) if has_tree(config) and config.protected else {}),
        "cycles": Out(COUNTER_WIDTH),
        "errors": Out(COUNTER_WIDTH),
    }


def sampler_signature(config: AmperConfig) -> wiring.Signature:
    """The native interface of the sampler, seen from inside; interfaces.md has the contract of each port.

    Members
    -------
    write : In {row, priority, invalidate, lanes}, a beat of up to W writes, lane 0 lowest; a row becomes valid with a
    priority, or invalid. write_refused : Out, 1 in the cycle after a beat with a row outside those in use.
    request : In {batch}, so many draws, 1 to b. control : In {parameter, value}, a change of a parameter.
    control_refused : Out, 1 in the cycle after a change that was refused. result : Out {row, priority, lanes, last,
    status}, a beat of up to D draws; lanes tells which there are, last is 1 in a batch's last beat.
    busy : Out, a batch is under way. vmax, vmax_exact : Out, the largest valid priority; only an upper bound while
    vmax_exact is 0. csp_size : Out, rows in the candidate set of the latest batch that began to draw.
    total : Out, the sum of all priorities that the latest batch of exact saw. valid_rows : Out, rows that are valid.
    row_fault : Out, with protection: with rows in registers, their parity was wrong when it was looked at last; with
    rows in RAM, what is drawn may be wrong. faults_repaired, faults_lost, lost_row : Out, ``fault_members``.
    searches, cycles, errors : Out, since reset, modulo 2^32: searches for batches, cycles with busy at 1, refusals.
    """
    return wiring.Signature(
        {
            "write": In(stream.Signature(write_layout(config))),
            "request": In(stream.Signature(request_layout(config))),
            "control": In(stream.Signature(control_layout())),
            "result": Out(stream.Signature(result_layout(config))),
            **monitor_members(config),
        }
    )


def row_write_layout(config: AmperConfig, *, row_width: int, code_width: int = 0) -> data.StructLayout:
    """One write on its way to its row; with variant exact built in, one that makes it invalid has priority 0."""
    fields: dict[str, ShapeLike] = {"row": row_width, "priority": code_width or config.priority_width}
    return data.StructLayout(fields | ({"invalidate": 1} if has_candidates(config) else {}))


def array_signature(config: AmperConfig, *, rows: int, skewed: bool = False) -> wiring.Signature:
    """The port of a row array, seen from inside: of one bank, or of a tree of banks, with ``rows`` rows in all.

    All are registered valid strobes without back-pressure, each answer a fixed number of cycles after its question,
    in order (``amper_hw.base.latency``). A question may come every cycle. W writes, D selections and D reads a cycle.

    Members
    -------
    write : row, priority, invalidate, at most one a bank; ``clear`` makes every row invalid. Searches in the same or an
    earlier cycle do not see them, later ones do. changed : lanes whose write made a row valid or invalid.
    search : a key. match : does any row match it. count : after the ``last`` search of a batch, the rows in the CSP.
    transfer : the CSP, complete by the searches of earlier cycles, becomes the one to select from. A search in the same
    cycle may begin the next CSP. select : a rank within the CSP. Legal once the CSP was transferred, and from two
    cycles after its count came. selected : the CSP bits of the bank that holds that rank, the rank within it, the
    bank's index if there are several. read : a row. data : its priority, with ``result_priority``.

    With variant exact built in: plane (its index) -> with ``census``, plane_count (rows of the plane). A select in the
    ``plane_lead_cycles``-th cycle after a plane takes a rank within it, whose answer is then selected; with
    ``candidates``, within the CSP. A change of the rows makes the ranks of a node meaningless until a census of all
    planes, 0 to Q - 1 in order, has come through. Without another variant, what only those ask for is left out.

    With the rows in LUT RAM there is no ``clear``: all planes with ``zero``, after reset too, make every row invalid,
    and until then nothing is written; a census begins behind a cycle without one; and a read is of a row that was
    written since. ``skewed``: inside, codes and vectors are as the memories have them (``planes.lut_ram.skew``).
    """
    banks, bank_rows = -(-rows // config.bank_rows), min(rows, config.bank_rows)
    row_width = index_width(rows)
    selected: dict[str, wiring.Member] = {
        "valid": Out(1),
        "vector": Out(vector_width(config, bank_rows) if skewed else bank_rows),
        "rank": Out(index_width(bank_rows)),
    }
    if banks > 1:
        selected["bank"] = Out(index_width(banks))
    code_width = skewed_width(config) if skewed else config.priority_width
    write = row_write_layout(config, row_width=row_width, code_width=code_width)
    draw_ports, write_ports = config.draw_ports, config.write_ports
    count = Out(count_signature(rows))
    reading = {
        "read": In(wiring.Signature({"valid": Out(1), "row": Out(row_width)})).array(draw_ports),
        "data": Out(wiring.Signature({"priority": Out(code_width)})).array(draw_ports),
    }
    has_reading = config.result_priority and not (skewed and write_ports == 1)  # one writer: a block RAM outside
    candidates: dict[str, wiring.Member] = {
        "changed": Out(wiring.Signature({"added": Out(write_ports), "removed": Out(write_ports)})),
        "search": In(strobe_signature(key_layout(config))),
        "match": Out(wiring.Signature({"any": Out(1)})),
        "count": count,
        "transfer": In(1),
    }
    planes: dict[str, wiring.Member] = {"plane": In(plane_signature(config)), "plane_count": count}
    return wiring.Signature(
        {
            "write": In(strobe_signature(write)).array(write_ports),
            **({} if in_lut_ram(config) else {"clear": In(1)}),
            **(candidates if has_candidates(config) else {}),
            **(planes if has_exact(config) else {}),
            "select": In(wiring.Signature({"valid": Out(1), "rank": Out(row_width)})).array(draw_ports),
            "selected": Out(wiring.Signature(selected)).array(draw_ports),
            **(reading if has_reading else {}),
        }
    )
