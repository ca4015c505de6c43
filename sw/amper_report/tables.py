"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table, without a line end behind its last line; cells are shown as ``str`` shows them."""
    lines = "".join(f"\n| {' | '.join(map(str, row))} |" for row in rows)
    return f"| {' | '.join(map(str, titles))} |\n{'|---' * len(titles)}|{lines}"
