"""The golden model: docs/reference/algorithm.md in plain Python integers, naive on purpose.

It goes through every row for every group, so that each line can be held against the page. Speed is not its business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amper.model.planes import ExactBatch, exact_batch
from amper.model.settings import Settings
from amper.model.tree import TreeBatch, tree_batch
from amper_spec.algorithm import RANDOM_WIDTH, SCALE_FRACTION_WIDTH, Algorithm
from amper_spec.checks import checked_integer
from amper_spec.errors import DisabledError, NoValidRowError
from amper_spec.parameters import VALUE_WIDTH, Parameter
from amper_spec.status import Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Batch:
    """Everything inside one batch of the variants with a candidate set.

    Tuples have m entries where they are per group and b where they are per draw.
    """

    vmax: int
    query_words: tuple[int, ...]  # 64 bits, per group
    representatives: tuple[int, ...]  # V_i, per group
    radii: tuple[int, ...]  # D_i, per group
    masks: tuple[int, ...]  # 1 = compare, per group; all ones for fr and k, which do not use it
    neighbours: tuple[int, ...]  # N_i, per group; all 0 but for k
    match_sets: tuple[frozenset[int], ...]  # rows, per group
    csp: tuple[bool, ...]  # per row; what the draws were made from, so all valid rows after a fallback
    fallback: bool  # the union of the match sets was empty
    draw_words: tuple[int, ...]  # 64 bits, per draw
    ranks: tuple[int, ...]  # k_j, per draw
    indices: tuple[int, ...]  # rows, per draw
    priorities: tuple[int, ...]  # codes of those rows, per draw

    @property
    def csp_size(self) -> int:
        """|CSP|: rows that could be drawn."""
        return sum(self.csp)

    @property
    def status(self) -> Status:
        """The status that the hardware reports with this batch."""
        return Status.FALLBACK if self.fallback else Status.OK


class GoldenModel:
    """The sampler that every other implementation has to match, index by index.

    Members
    -------
    config : the parameters of the algorithm; an ``AmperConfig`` has them.
    priorities : list of n entries, the code of a valid row or None.
    last_batch : the latest ``Batch``, of variant exact ``ExactBatch`` or ``TreeBatch``; None before the first.
    settings : the parameters in force; ``set_parameter`` changes them.
    """

    def __init__(self, config: Algorithm) -> None:
        if not isinstance(config, Algorithm):
            raise TypeError(f"config must be an AmperConfig, not {config!r}")
        self.config = config
        self.reset()

    def reset(self) -> None:
        """No row valid, all parameters and both random streams as configured."""
        self.priorities: list[int | None] = [None] * self.config.rows
        self.last_batch: Batch | ExactBatch | TreeBatch | None = None
        self.settings = Settings(self.config)

    @property
    def vmax(self) -> int | None:
        """The largest valid priority now, None when no row is valid."""
        return max(self._valid().values(), default=None)

    def write(self, row: int, priority: int) -> None:
        """Store the ``priority`` code (0 to 2^Q - 1) in ``row``, one of those in use, and make the row valid.

        Where variant exact is built in, code 0 makes it invalid instead.
        """
        row = checked_integer("row", row, 0, self.settings.rows - 1)
        code = checked_integer("priority", priority, 0, self.config.priority_max)
        # Variant exact keeps no valid bits: where it is built in, code 0 is what an invalid row holds.
        self.priorities[row] = None if code == 0 and "exact" in self.config.variants else code

    def invalidate(self, row: int) -> None:
        """Make ``row``, one of those in use, invalid; it may be so already."""
        self.priorities[checked_integer("row", row, 0, self.settings.rows - 1)] = None

    def set_parameter(self, parameter: Parameter | int, value: int) -> None:
        """Change a parameter from the next batch on; docs/hardware/parameters.md has what is legal.

        Parameters
        ----------
        parameter : a ``Parameter`` or its number. value : 0 to 2^32 - 1, of the form that the page gives.

        Raises
        ------
        TypeError : not integers. ValueError : not legal, or not now; nothing is changed.
        """
        name = Parameter(checked_integer("parameter", parameter, 0, max(Parameter)))
        value = checked_integer(name.name, value, 0, (1 << VALUE_WIDTH) - 1)
        self.settings.set(name, value, empty=self.vmax is None)
        if name == Parameter.CLEAR:
            self.priorities = [None] * self.config.rows

    def get_parameter(self, parameter: Parameter | int) -> int:
        """The value of a parameter in force, in the form in which it is set; of CLEAR, 0."""
        return self.settings.get(Parameter(checked_integer("parameter", parameter, 0, max(Parameter))))

    def sample(self, batch: int | None = None) -> NDArray[np.int64]:
        """The indices of ``draw``, with its errors: int64 array (batch,) of rows, with replacement."""
        import numpy as np  # only here: who draws whole batches, as benches do, does not wait for it

        return np.array(self.draw(batch).indices, dtype=np.int64)

    def draw(self, batch: int | None = None) -> Batch | ExactBatch | TreeBatch:
        """Draw a batch, and tell all that is inside; ``last_batch`` keeps it.

        Parameters
        ----------
        batch : draws, 1 to ``config.batch``; the parameter BATCH if None.

        Raises
        ------
        DisabledError, ValueError, NoValidRowError : ENABLE is 0; ``batch`` is out of range; no row is valid. In this
        order, as hardware checks them; no random word is used up.
        """
        if not self.settings.enable:
            raise DisabledError("sample needs the sampler enabled, and ENABLE is 0: set it to 1 first")
        size = self.settings.batch if batch is None else checked_integer("batch", batch, 1, self.config.batch)
        if self.vmax is None:
            raise NoValidRowError("sample needs at least one valid row, and there is none: write a row first")
        if self.settings.variant == "exact":
            words = [self.settings.draw.next() for _ in range(size)]
            drawn = tree_batch if self.config.organisation == "tree" else exact_batch
            self.last_batch = drawn(self.config, [code or 0 for code in self.priorities], words)
        else:
            self.last_batch = self._draw_batch(self.vmax, size)
        return self.last_batch

    # --- the steps of algorithm.md ------------------------------------------------------------------------

    def _draw_batch(self, vmax: int, size: int) -> Batch:
        groups = range(self.settings.groups)
        valid = self._valid()
        words = [self.settings.query.next() for _ in groups]
        values = [
            self._representative(i, words[i] >> (RANDOM_WIDTH - self.config.fraction_width), vmax) for i in groups
        ]
        masks = [self.config.priority_max for _ in groups]
        neighbours = [0 for _ in groups]
        if self.settings.variant == "k":
            neighbours = [self._neighbours(i, values[i], vmax, valid) for i in groups]
            radii = [self._nearest_radius(values[i], neighbours[i], valid) for i in groups]
            matches = [self._in_range(values[i], radii[i], valid) if neighbours[i] else frozenset() for i in groups]
        else:
            radii = [self._radius(value) for value in values]
            if self.settings.variant == "fr":
                matches = [self._in_range(values[i], radii[i], valid) for i in groups]
            else:
                masks = [self._mask(radii[i], words[i]) for i in groups]
                matches = [self._ternary_match(values[i], masks[i], valid) for i in groups]
        union = sorted(set().union(*matches))
        candidates = union or sorted(valid)
        draw_words = [self.settings.draw.next() for _ in range(size)]
        ranks = [((word >> 32) * len(candidates)) >> 32 for word in draw_words]
        indices = [candidates[rank] for rank in ranks]
        members = set(candidates)
        return Batch(
            vmax=vmax,
            query_words=tuple(words),
            representatives=tuple(values),
            radii=tuple(radii),
            masks=tuple(masks),
            neighbours=tuple(neighbours),
            match_sets=tuple(matches),
            csp=tuple(row in members for row in range(self.config.rows)),
            fallback=not union,
            draw_words=tuple(draw_words),
            ranks=tuple(ranks),
            indices=tuple(indices),
            priorities=tuple(valid[row] for row in indices),
        )

    def _representative(self, group: int, u: int, vmax: int) -> int:
        """V_i; with u = 0 the first code of the group, B_i."""
        width = self.config.fraction_width
        place = (((group << width) + u) * self.settings.reciprocal) >> self.settings.reciprocal_shift
        return (place * (vmax + 1)) >> width

    def _radius(self, value: int) -> int:
        return min(self.config.priority_max, (value * self.settings.radius_coefficient) >> SCALE_FRACTION_WIDTH)

    def _mask(self, radius: int, word: int) -> int:
        ignored = radius.bit_length()
        if self.settings.variant == "fr-dithered" and radius > 0:
            below_leading_one = radius - 2 ** (ignored - 1)
            dither = word % 2 ** (ignored - 1)
            if dither < below_leading_one:
                ignored += 1
        ignored = min(ignored, self.config.priority_width)
        return self.config.priority_max - ((1 << ignored) - 1)

    def _neighbours(self, group: int, value: int, vmax: int, valid: dict[int, int]) -> int:
        first = self._representative(group, 0, vmax)
        last_group = group == self.settings.groups - 1
        end = vmax + 1 if last_group else self._representative(group + 1, 0, vmax)
        members = sum(first <= priority < end for priority in valid.values())
        if members == 0:
            return 0
        if vmax == 0:
            return 1
        numerator = self.settings.neighbours * value * members
        wanted = -(-numerator // (vmax << SCALE_FRACTION_WIDTH))
        return min(len(valid), max(1, wanted))

    @staticmethod
    def _nearest_radius(value: int, neighbours: int, valid: dict[int, int]) -> int:
        distances = sorted(abs(priority - value) for priority in valid.values())
        return distances[neighbours - 1] if neighbours else 0

    @staticmethod
    def _in_range(value: int, radius: int, valid: dict[int, int]) -> frozenset[int]:
        return frozenset(row for row, priority in valid.items() if abs(priority - value) <= radius)

    @staticmethod
    def _ternary_match(value: int, mask: int, valid: dict[int, int]) -> frozenset[int]:
        return frozenset(row for row, priority in valid.items() if (priority ^ value) & mask == 0)

    def _valid(self) -> dict[int, int]:
        return {row: priority for row, priority in enumerate(self.priorities) if priority is not None}
