"""The parameters of the algorithm: all that an index can depend on, with the widths and constants that follow.

Names and formulas: docs/reference/algorithm.md. The golden model needs nothing else of a configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from amper_spec.declare import DERIVED, Declared, declared, parameter
from amper_spec.rules import Choice, Integer, Names, Real
from amper_spec.urng import streams

Variant = Literal["fr-dithered", "fr-prefix", "fr", "k", "exact"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)  # in the order of their codes in hardware, from 0
AMPER_VARIANTS: tuple[Variant, ...] = VARIANTS[:-1]  # those that form a candidate set, as the paper does
Draws = Literal["independent", "stratified"]
DRAWS: tuple[str, ...] = get_args(Draws)
Organisation = Literal["parallel", "tree"]
ORGANISATIONS: tuple[str, ...] = get_args(Organisation)
AUTO = "auto"  # for a parameter: chosen by a rule
TREE_FROM = 2048  # rows from which ``auto`` takes the tree (docs/hardware/how-large.md)

SCALE_FRACTION_WIDTH = 20  # fraction bits of the radius and neighbour coefficients
SCALE_INTEGER_WIDTH = 4  # their integer bits: scales reach up to 16
COEFFICIENT_WIDTH = SCALE_INTEGER_WIDTH + SCALE_FRACTION_WIDTH
RADIUS_WIDTH = 32  # bits of lambda' as a fixed-point number: it is below 16 x 256
RANDOM_WIDTH = 64  # bits of a random word
DRAW_RANDOM_WIDTH = 32  # high bits of a draw word that choose the rank


def _first_choice(built_in: object) -> str:
    """The active variant of those that were given, which are not checked yet; exact if none were."""
    given = built_in if isinstance(built_in, (list, tuple)) else ()
    known = [name for name in VARIANTS if name in given]
    return known[0] if known and "exact" not in known else "exact"


@dataclass(frozen=True, kw_only=True)
class Algorithm(Declared):
    """What decides every index: two samplers with equal parameters draw the same rows."""

    rows: int = field(metadata=declared(Integer(1, 1 << 20), "N", "n, rows of the associative memory, any number"))
    priority_width: int = parameter(16, Integer(4, 32), "Q", "Q, bits of a priority code")
    groups: int = parameter(
        20, Integer(1, 256), "M", "m, groups that [0, Vmax] is cut into; in hardware the most at run time"
    )
    batch: int = parameter(64, Integer(1, 4096), "B", "b, the largest batch, and the default one")
    variant: Variant = parameter(
        DERIVED,
        Choice(VARIANTS),
        "V",
        "the active variant; in hardware, after reset",
        changes="reset",
        derive=lambda config: _first_choice(config.variants),
        default_text="exact, or where it is not built in the first that is",
    )
    draws: Draws = parameter(
        "independent", Choice(DRAWS), "X", "of variant exact; stratified: spread evenly over the priorities' sum"
    )
    organisation: str = parameter(
        "parallel",
        Choice((*ORGANISATIONS, AUTO)),
        "X",
        "where the rows are: side by side, all compared in parallel, or a sum tree in RAM, variant exact alone; auto: "
        f"the tree from {TREE_FROM} rows on, where it can be",
    )
    banks: int = parameter(
        1,
        Integer(1, 8, power_of_two=True),
        "S",
        "S, trees of organisation tree that share the rows in turn, and so draw and store side by side",
    )
    radius_scale: float = parameter(
        0.15,
        Real("0 <= L/m < 16"),
        "L",
        "lambda' of the fr variants, about |CSP|/n for uniform priorities",
        changes="reset",
    )
    neighbour_scale: float = parameter(0.3, Real("0 <= L < 16"), "L", "lambda of the k variant", changes="reset")
    seed: int = parameter(0, Integer(0, (1 << 64) - 1), "S", "of both random streams", changes="reset")
    priority_scale: float = parameter(
        DERIVED,
        Real("above 0"),
        "F",
        "priority codes per unit of float priority",
        changes="software",
        derive=lambda config: float(1 << (config.priority_width // 2)),
        default_text="2^(Q // 2)",
    )
    variants: tuple[Variant, ...] = parameter(
        DERIVED,
        Names(VARIANTS),
        "V,V",
        "variants built in, to choose from at run time",
        derive=lambda config: (config.variant,),
        default_text="only the active one",
        after="fan_out",  # where files always had it
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in self.variants:
            raise ValueError(
                f"variants must include variant, {self.variant}, not only {', '.join(self.variants) or 'none'}"
            )
        if self.draws != "independent" and "exact" not in self.variants:
            raise ValueError(f"draws must be independent unless variants includes exact, not {self.draws}")
        self._check_organisation()
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

    def _check_organisation(self) -> None:
        alone = self.variants == ("exact",)
        if self.organisation == AUTO:
            chosen = "tree" if alone and self.rows >= TREE_FROM else "parallel"
            object.__setattr__(self, "organisation", chosen)  # frozen; this is its constructor
        if self.organisation == "tree":
            if not alone:
                raise ValueError(f"variants must be exact alone with organisation tree, not {', '.join(self.variants)}")
            if self.rows < 2 * self.banks:
                some = f" in {self.banks} banks" if self.banks > 1 else ""
                raise ValueError(
                    f"rows must be at least {2 * self.banks} with organisation tree{some}, not {self.rows}"
                )
        elif self.banks > 1:
            raise ValueError(f"banks must be 1 unless organisation is tree, not {self.banks}")

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
