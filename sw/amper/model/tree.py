"""A batch of variant ``exact``, organisation tree: docs/reference/algorithm.md, section 8, in plain Python integers."""

from __future__ import annotations

from dataclasses import dataclass

from amper.model.places import drawn_places
from amper_spec.algorithm import Algorithm
from amper_spec.status import Status


@dataclass(frozen=True)
class TreeBatch:
    """Everything inside one batch; tuples have b entries, one a draw."""

    total: int  # T, the sum of all codes
    draw_words: tuple[int, ...]  # 64 bits
    places: tuple[int, ...]  # x_j, 0 to T - 1
    indices: tuple[int, ...]  # rows
    priorities: tuple[int, ...]  # codes of those rows

    status = Status.OK
    csp_size = 0  # there is no candidate set
    fallback = False


def tree_batch(config: Algorithm, codes: list[int], words: list[int]) -> TreeBatch:
    """The draws that ``words`` of the draw stream make of ``codes``: one a row, 0 where none is valid, not all 0."""
    total = sum(codes)
    places = drawn_places(config, words, total)
    order = [row for bank in range(config.banks) for row in range(bank, config.rows, config.banks)]
    indices = [_row(codes, order, place) for place in places]
    return TreeBatch(
        total=total,
        draw_words=tuple(words),
        places=tuple(places),
        indices=tuple(indices),
        priorities=tuple(codes[row] for row in indices),
    )


def _row(codes: list[int], order: list[int], place: int) -> int:
    """The row that ``place`` lies in: each takes as many places as its code says, one row behind the other."""
    begin = 0
    for row in order:
        if begin <= place < begin + codes[row]:
            return row
        begin += codes[row]
    raise ValueError(f"place must be below the sum of all codes, {begin}, not {place}")
