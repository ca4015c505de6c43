"""The one definition of a configuration; every width and constant is derived here and nowhere else.

Names and formulas: docs/reference/algorithm.md.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from amper_spec.checks import checked_choice, checked_integer, checked_real
from amper_spec.urng import streams

Variant = Literal["fr-dithered", "fr-prefix", "fr", "k", "exact"]
VARIANTS: tuple[str, ...] = get_args(Variant)  # in the order of their codes in hardware, from 0
AMPER_VARIANTS = VARIANTS[:-1]  # those that form a candidate set, as the paper does
Draws = Literal["independent", "stratified"]
DRAWS: tuple[str, ...] = get_args(Draws)
Pipeline = Literal["deep", "shallow"]
PIPELINES: tuple[str, ...] = get_args(Pipeline)
Bus = Literal["native", "axi", "wishbone"]
BUSES: tuple[str, ...] = get_args(Bus)
Storage = Literal["flip-flops", "latches"]
STORAGES: tuple[str, ...] = get_args(Storage)
Primitives = Literal["gates", "blocks"]
PRIMITIVES: tuple[str, ...] = get_args(Primitives)

SCALE_FRACTION_WIDTH = 20  # fraction bits of the radius and neighbour coefficients
SCALE_INTEGER_WIDTH = 4  # their integer bits: scales reach up to 16
COEFFICIENT_WIDTH = SCALE_INTEGER_WIDTH + SCALE_FRACTION_WIDTH
RADIUS_WIDTH = 32  # bits of lambda' as a fixed-point number: it is below 16 x 256
RANDOM_WIDTH = 64  # bits of a random word
DRAW_RANDOM_WIDTH = 32  # high bits of a draw word that choose the rank

# Smallest and largest legal value of each integer parameter.
INTEGER_RANGES: dict[str, tuple[int, int]] = {
    "rows": (1, 1 << 20),
    "priority_width": (4, 32),
    "groups": (1, 256),
    "batch": (1, 4096),
    "seed": (0, (1 << 64) - 1),
    "bank_rows": (2, 1024),
    "fan_out": (2, 64),
    "search_ports": (1, 8),
    "draw_ports": (1, 8),
    "write_ports": (1, 8),
}
FAN_OUT = 8  # of a node, the most by default: above it, a node's choice of a child is slower than all else
POWERS_OF_TWO = ("bank_rows", "fan_out", "search_ports", "draw_ports", "write_ports")


@dataclass(frozen=True, kw_only=True)
class AmperConfig:
    """A sampler, in hardware or software.

    Parameters
    ----------
    rows : n, rows of the associative memory, 1 to 2^20; any value, not only powers of two.
    priority_width : Q, bits of a priority code, 4 to 32.
    groups : m, groups that [0, Vmax] is cut into, 1 to 256; in hardware the most that can be set at run time.
    batch : b, the largest batch and the default one, 1 to 4096.
    variant : "fr-dithered", "fr-prefix", "fr", "k" or "exact"; in hardware the one that is active after reset.
    draws : of variant exact, "independent", or "stratified": spread evenly over the priorities' sum.
    radius_scale : lambda' of the fr variants, 0 <= lambda'/m < 16.
    neighbour_scale : lambda of the k variant, 0 <= lambda < 16.
    seed : of both random streams, 64 bits.
    priority_scale : priority codes per unit of float priority, above 0; 2^(Q // 2) if None.
    bank_rows : rows of one bank of the RTL, a power of two, 2 to 1024. Changes no index.
    fan_out : banks or sub-arrays under one node of the RTL's tree, a power of two, 2 to 64; if None the least that
        needs no more levels of nodes than 8, since smaller nodes are faster. Changes no index.
    variants : those built into the RTL, to choose from at run time; only ``variant`` if None.
    search_ports, draw_ports, write_ports : P searches, D draws and W writes a cycle of the RTL; 1, 2, 4 or 8. They
        change no index.
    pipeline : "deep" for the clock, or "shallow" for the fewest cycles. Changes no index.
    result_priority : whether the RTL's results carry the priorities of the drawn rows.
    bus : of the RTL, "native" (ready/valid streams), "axi" (AXI4-Lite and AXI4-Stream) or "wishbone" (B4 pipelined).
    storage : the cells that hold the rows of the RTL, "flip-flops" or "latches" (smaller, for cell libraries only).
        Changes neither an index nor a cycle.
    primitives : what the RTL is made of beside registers, "gates" (for a cell library) or "blocks" (for an FPGA:
        products of 18 bits for its multipliers, a small memory a bank for the priorities of the results; fpga.md).
        Changes neither an index nor a cycle.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range.
    """

    rows: int
    priority_width: int = 16
    groups: int = 20
    batch: int = 64
    variant: Variant = "fr-dithered"
    draws: Draws = "independent"
    radius_scale: float = 0.15
    neighbour_scale: float = 0.3
    seed: int = 0
    priority_scale: float = None  # type: ignore[assignment]  # filled in below when not given
    bank_rows: int = 64
    fan_out: int = None  # type: ignore[assignment]  # filled in below when not given
    variants: tuple[Variant, ...] = None  # type: ignore[assignment]  # filled in below when not given
    search_ports: int = 1
    draw_ports: int = 1
    write_ports: int = 1
    pipeline: Pipeline = "deep"
    result_priority: bool = True
    bus: Bus = "native"
    storage: Storage = "flip-flops"
    primitives: Primitives = "gates"

    def __post_init__(self) -> None:
        for name, (low, high) in INTEGER_RANGES.items():
            if name != "fan_out" or self.fan_out is not None:
                self._normalise(name, checked_integer(name, getattr(self, name), low, high))
        if self.fan_out is None:
            self._normalise("fan_out", _fan_out(banks=-(-self.rows // self.bank_rows)))
        if self.priority_scale is None:
            self._normalise("priority_scale", float(1 << (self.priority_width // 2)))
        for name in ("radius_scale", "neighbour_scale", "priority_scale"):
            self._normalise(name, checked_real(name, getattr(self, name)))
        choices = {"variant": VARIANTS, "draws": DRAWS, "pipeline": PIPELINES, "bus": BUSES, "storage": STORAGES}
        choices |= {"primitives": PRIMITIVES}
        for name, legal in choices.items():
            checked_choice(name, getattr(self, name), legal)
        self._check_variants()
        if not isinstance(self.result_priority, bool):
            raise TypeError(f"result_priority must be True or False, not {self.result_priority!r}")
        for name in POWERS_OF_TWO:
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, not {value}")
        self._check_scales()

    def _normalise(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the class is frozen; this is its constructor

    def _check_variants(self) -> None:
        variants = (self.variant,) if self.variants is None else self.variants
        if isinstance(variants, str) or not isinstance(variants, (list, tuple)):
            raise TypeError(f"variants must be a list of variants, not {variants!r}")
        for variant in variants:
            checked_choice("variants", variant, VARIANTS)
        if self.variant not in variants:
            raise ValueError(f"variants must include variant, {self.variant}, not only {', '.join(variants)}")
        self._normalise("variants", tuple(name for name in VARIANTS if name in variants))
        if self.draws != "independent" and "exact" not in variants:
            raise ValueError(f"draws must be independent unless variants includes exact, not {self.draws}")

    def _check_scales(self) -> None:
        limit = 1 << SCALE_INTEGER_WIDTH
        for name, bound, bound_text, coefficient in (
            ("radius_scale", limit * self.groups, f"{limit} x groups = {limit * self.groups}", "radius_coefficient"),
            ("neighbour_scale", limit, f"{limit}", "neighbour_coefficient"),
        ):
            value = getattr(self, name)
            # The coefficient of a legal scale just below the bound can still round up to it.
            if not 0 <= value < bound or getattr(self, coefficient) >> COEFFICIENT_WIDTH:
                raise ValueError(f"{name} must be at least 0 and below {bound_text}, not {value}")
        if not self.priority_scale > 0:
            raise ValueError(f"priority_scale must be above 0, not {self.priority_scale}")

    # --- widths (bits) ---------------------------------------------------------------------------------------

    @property
    def row_width(self) -> int:
        """Bits of a row index; at least 1, so that a single row still has an address."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def count_width(self) -> int:
        """Bits of a number of rows, 0 to n."""
        return self.rows.bit_length()

    @property
    def batch_width(self) -> int:
        """Bits of a batch size, 0 to b."""
        return self.batch.bit_length()

    @property
    def group_width(self) -> int:
        """Bits of a group's index, 0 to m - 1; at least 1."""
        return max(1, (self.groups - 1).bit_length())

    @property
    def groups_width(self) -> int:
        """Bits of a number of groups, 1 to m."""
        return self.groups.bit_length()

    @property
    def range_match(self) -> bool:
        """Whether the RTL's match lines compare with a range; else, with a ternary key."""
        return "fr" in self.variants or "k" in self.variants

    @property
    def fraction_width(self) -> int:
        """FW, fraction bits of a representative's place in [0, 1)."""
        return min(self.priority_width + 8, 32)

    @property
    def total_width(self) -> int:
        """TW, bits of the sum of all priorities, T < 2^TW."""
        return self.priority_width + (self.rows - 1).bit_length()

    @property
    def place_width(self) -> int:
        """RW, bits of a draw word that choose a place in the priorities' sum."""
        return min(RANDOM_WIDTH, self.total_width + 14)

    # --- constants -------------------------------------------------------------------------------------------

    @property
    def priority_max(self) -> int:
        """The largest priority code, 2^Q - 1."""
        return (1 << self.priority_width) - 1

    @property
    def reciprocal_shift(self) -> int:
        """GS: the reciprocal of m has this many fraction bits."""
        return self.fraction_width + (self.groups - 1).bit_length()

    @property
    def reciprocal(self) -> int:
        """floor(2^GS / m)."""
        return (1 << self.reciprocal_shift) // self.groups

    @property
    def radius_fixed(self) -> int:
        """lambda' with 20 fraction bits."""
        return round(self.radius_scale * (1 << SCALE_FRACTION_WIDTH))

    @property
    def radius_coefficient(self) -> int:
        """lambda' / m with 20 fraction bits, rounded down: what hardware divides at run time."""
        return self.radius_fixed // self.groups

    @property
    def neighbour_coefficient(self) -> int:
        """lambda with 20 fraction bits."""
        return round(self.neighbour_scale * (1 << SCALE_FRACTION_WIDTH))

    @property
    def stream_states(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(s0, s1) at reset of the query stream and of the draw stream."""
        query, draw = streams(self.seed)
        return query.state, draw.state

    # --- files -----------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The parameters by name, in the order of the class."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "variants": list(self.variants)}  # a list: what TOML and JSON read back

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AmperConfig:
        """The configuration of named ``values``; an unknown or missing name is a ValueError."""
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ValueError(f"{name!r} is not a parameter; the parameters are {', '.join(names)}")
        if "rows" not in values:
            raise ValueError("rows must be given: it has no default")
        return cls(**values)

    def save(self, path: str | Path) -> None:
        """Write a TOML file, one line a parameter."""
        # JSON's strings and numbers are TOML's too, and the table is flat: no TOML writer is needed.
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in self.to_dict().items()]
        Path(path).write_text("".join(lines), encoding="utf-8")

    @staticmethod
    def read(path: str | Path) -> dict[str, Any]:
        """The parameters that a TOML file names, not yet checked. OSError: unreadable. ValueError: not TOML."""
        try:
            return tomllib.loads(Path(path).read_bytes().decode("utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: not a TOML file: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> AmperConfig:
        """Read a TOML file that ``save`` or a person wrote.

        Raises
        ------
        OSError : the file cannot be read. ValueError, TypeError : it is not TOML, or a value is not legal; the message
        begins with the path.
        """
        values = cls.read(path)
        try:
            return cls.from_dict(values)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{path}: {error}") from error


def _fan_out(*, banks: int) -> int:
    """The least power of two that needs no more levels of nodes than ``FAN_OUT``, and at least 2."""
    levels = 0
    while FAN_OUT**levels < banks:
        levels += 1
    fan_out = 2
    while fan_out**levels < banks:
        fan_out *= 2
    return fan_out
