"""What goes down the tree; all widths come from the configuration and the level."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from amper_hw.base.payload import OK, ROW_FAULT
from amper_hw.tree.checks import hsiao_columns, parity_columns
from amper_spec.config import AmperConfig


def operation_layout(config: AmperConfig, *, sum_width: int) -> data.StructLayout:
    """An operation where it enters a node whose sum has ``sum_width`` bits; none where neither bit is 1.

    ``draw``: ``value`` is the place among the node's rows, ``past`` the place less the node's sum, which is negative;
    the node's number is the top of ``row``, whose lower bits are 0. ``store``: ``value`` is what the code of ``row``
    grows by, modulo 2^``sum_width``; with ``zero``, all sums on the way to the row become 0, and ``value`` is 0.
    """
    row_width = (config.rows - 1).bit_length()
    fields = {"draw": 1, "store": 1, "zero": 1, "value": sum_width, "past": sum_width, "row": row_width}
    return data.StructLayout(fields)


def sum_checks(config: AmperConfig, width: int) -> tuple[int, ...] | None:
    """Of each bit of a node's sums, the check bits that it turns; sums can be made anew, so parity is enough."""
    return parity_columns(width) if config.protected else None


def code_checks(config: AmperConfig) -> tuple[int, ...] | None:
    """Of each bit of a code, the check bits that it turns."""
    if not config.protected:
        return None
    columns = {"parity": parity_columns, "secded": hsiao_columns}[config.protection]
    return columns(config.priority_width)


def checked_signature(config: AmperConfig) -> wiring.Signature:
    """A code of a ``row`` that was read and compared with its check bits, seen from the codes.

    ``fault`` : a bit has flipped; ``lost`` : and which one is not known. ``code`` : what it was, unless lost.
    """
    fields = {"valid": 1, "fault": 1, "lost": 1, "row": (config.rows - 1).bit_length(), "code": config.priority_width}
    return wiring.Signature({name: Out(width) for name, width in fields.items()})


def repair_signature(config: AmperConfig) -> wiring.Signature:
    """What a repair does with codes and sums, seen from who repairs.

    ``read`` : the row's code is read, and nothing else. ``fresh`` : ``code`` is written into the row as if that had had
    code 0. ``zero`` : all sums and T are to become 0, as by a clear, and no code.
    """
    fields = {"read": 1, "fresh": 1, "zero": 1, "row": (config.rows - 1).bit_length(), "code": config.priority_width}
    return wiring.Signature({name: Out(width) for name, width in fields.items()})


def unless_faulty(entry: data.View, faulty: Value) -> Value:
    """A result as it enters the queue: if it is a draw and may be wrong, the status says so, and all else is 0."""
    wrong = faulty & (entry.status == OK)
    fields = {name: Value.cast(entry[name]) for name in entry.shape().members}
    for name in ("row", "priority"):
        if name in fields:
            fields[name] &= (~wrong).replicate(len(fields[name]))
    return Cat(*(fields | {"status": Mux(wrong, ROW_FAULT, fields["status"])}).values())
