"""What goes down the tree; all widths come from the configuration and the level."""

from __future__ import annotations

from amaranth.lib import data

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
