"""What the parts of the register interface say to each other."""

from __future__ import annotations

from amaranth.lib import data, wiring
from amaranth.lib.enum import IntEnum
from amaranth.lib.wiring import In, Out

from amper_hw.base.payload import STATUS_WIDTH, variant_width
from amper_hw.base.variants import constant_parameters
from amper_hw.bus.registers import ADDRESS_WIDTH, DATA_WIDTH
from amper_spec.config import COEFFICIENT_WIDTH, RADIUS_WIDTH, AmperConfig
from amper_spec.parameters import PARAMETER_WIDTH, VALUE_WIDTH, Parameter


class Command(IntEnum, shape=3):
    """What an entry of the command queue is; ``key`` and ``value`` depend on it."""

    WRITE = 0  # row, priority
    INVALIDATE = 1  # row
    CONTROL = 2  # parameter's number, value
    REQUEST = 3  # -, draws
    UPDATE = 4  # row, two priorities; the other row is ``second``, if there is a ``pair``


def access_signature() -> wiring.Signature:
    """A read, or a ``write`` of ``data``, at a byte ``address``; ``strobe`` has a bit for each byte that is meant."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "write": Out(1),
            "address": Out(ADDRESS_WIDTH),
            "data": Out(DATA_WIDTH),
            "strobe": Out(DATA_WIDTH // 8),
        }
    )


def register_port_signature() -> wiring.Signature:
    """A port to the registers, seen from the bus: an access may come every cycle, its answer comes in the next one.

    Members
    -------
    access : Out. answer : In, ``error``, or the ``data`` of a read, else 0.
    """
    answer = {"valid": Out(1), "error": Out(1), "data": Out(DATA_WIDTH)}
    return wiring.Signature({"access": Out(access_signature()), "answer": In(wiring.Signature(answer))})


def command_layout(config: AmperConfig) -> data.StructLayout:
    """An entry of the command queue."""
    packed = {"second": config.row_width, "pair": 1} if config.packed_registers else {}
    return data.StructLayout(
        {"kind": Command, "key": max(config.row_width, PARAMETER_WIDTH), "value": VALUE_WIDTH, **packed}
    )


def draw_layout(config: AmperConfig) -> data.StructLayout:
    """One draw: a lane of a result. The priority is 0 in a configuration whose results have none."""
    return data.StructLayout(
        {"row": config.row_width, "priority": config.priority_width, "last": 1, "status": STATUS_WIDTH}
    )


def parameter_widths(config: AmperConfig) -> dict[Parameter, int]:
    """Bits of every parameter that can change."""
    widths = {
        Parameter.GROUPS: config.groups_width,
        Parameter.RADIUS: RADIUS_WIDTH,
        Parameter.NEIGHBOURS: COEFFICIENT_WIDTH,
        Parameter.VARIANT: variant_width(config),
        Parameter.BATCH: config.batch_width,
        Parameter.ROWS: config.count_width,
        Parameter.ENABLE: 1,
    }
    return {parameter: width for parameter, width in widths.items() if parameter not in constant_parameters(config)}


def outcome_signature(config: AmperConfig) -> wiring.Signature:
    """What became of a command, in the cycle after the sampler took it; ``number`` and ``value`` of a parameter,
    in as many bits as the widest that can change has."""
    return wiring.Signature(
        {
            "write": Out(1),
            "parameter": Out(1),
            "refused": Out(1),
            "number": Out(PARAMETER_WIDTH),
            "value": Out(max(parameter_widths(config).values())),
        }
    )
