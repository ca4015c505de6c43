"""Markdown: tables, and prose between them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence


def table(titles: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table, without a line end behind its last line; cells are shown as ``str`` shows them, a bar in them
    as ``\\|``, which is what it may be already."""
    lines = "".join(f"\n| {' | '.join(map(_cell, row))} |" for row in rows)
    return f"| {' | '.join(map(str, titles))} |\n{'|---' * len(titles)}|{lines}"


def _cell(value: object) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", str(value))


def filled(markdown: str, width: int = 120) -> str:
    """``markdown`` with every line of prose at most ``width`` characters; tables stay as they are."""
    lines = []
    for line in markdown.split("\n"):
        if len(line) <= width or line.startswith("|"):
            lines.append(line)
            continue
        indent = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)
