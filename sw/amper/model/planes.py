"""A batch of variant ``exact``: docs/reference/algorithm.md, section 7, in plain Python integers."""

from __future__ import annotations

from dataclasses import dataclass

from amper.model.places import drawn_places
from amper_spec.algorithm import Algorithm
from amper_spec.status import Status


@dataclass(frozen=True)
class ExactBatch:
    """Everything inside one batch; tuples have Q entries where they are per plane and b where they are per draw."""

    total: int  # T, the sum of all codes
    counts: tuple[int, ...]  # C_k: rows whose code has bit k set, per plane
    sums: tuple[int, ...]  # S_k: the sum of the planes below k, per plane
    draw_words: tuple[int, ...]  # 64 bits, per draw
    places: tuple[int, ...]  # x_j, 0 to T - 1, per draw
    planes: tuple[int, ...]  # k_j, per draw
    ranks: tuple[int, ...]  # r_j, among the rows of plane k_j, per draw
    indices: tuple[int, ...]  # rows, per draw
    priorities: tuple[int, ...]  # codes of those rows, per draw

    status = Status.OK
    csp_size = 0  # there is no candidate set
    fallback = False


def exact_batch(config: Algorithm, codes: list[int], words: list[int]) -> ExactBatch:
    """The draws that ``words`` of the draw stream make of ``codes``: one a row, 0 where none is valid, not all 0."""
    planes = range(config.priority_width)
    counts = [sum(code >> k & 1 for code in codes) for k in planes]
    sums = [sum(counts[below] << below for below in range(k)) for k in planes]
    total = sum(codes)
    places = drawn_places(config, words, total)
    chosen = [max(k for k in planes if sums[k] <= place) for place in places]
    ranks = [(place - sums[k]) >> k for place, k in zip(places, chosen, strict=True)]
    indices = [_row(codes, k, rank) for k, rank in zip(chosen, ranks, strict=True)]
    return ExactBatch(
        total=total,
        counts=tuple(counts),
        sums=tuple(sums),
        draw_words=tuple(words),
        places=tuple(places),
        planes=tuple(chosen),
        ranks=tuple(ranks),
        indices=tuple(indices),
        priorities=tuple(codes[row] for row in indices),
    )


def _row(codes: list[int], plane: int, rank: int) -> int:
    """The row of ``plane`` that has exactly ``rank`` rows of the plane below it."""
    return [row for row, code in enumerate(codes) if code >> plane & 1][rank]
