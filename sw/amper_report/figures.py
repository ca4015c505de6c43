"""Figures, as SVG that is the same bytes for the same data."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours of Okabe and Ito, told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"


@contextmanager
def figure_file(path: Path, width: float, height: float, *, font_size: float = 10) -> Iterator[Figure]:
    """A figure of so many inches that is written to ``path`` after the block, as an SVG file."""
    with _figure(path, width, height, font_size) as figure:
        yield figure


@contextmanager
def figure_text(width: float, height: float, *, font_size: float = 10) -> Iterator[tuple[Figure, list[str]]]:
    """A figure of so many inches, and a list that has its SVG, to put into HTML, after the block."""
    svg: list[str] = []
    file = io.StringIO()
    with _figure(file, width, height, font_size) as figure:
        yield figure, svg
    text = file.getvalue()
    svg.append(text[text.index("<svg") :])


@contextmanager
def _figure(target: Path | IO[str], width: float, height: float, font_size: float) -> Iterator[Figure]:
    try:
        import matplotlib as mpl  # optional: only the figures need it
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"a figure needs matplotlib ({error}): pip install 'amper[page]'") from error

    # Salted, and without a date, for the same bytes; text as paths, which look the same everywhere.
    with mpl.rc_context({"svg.hashsalt": "amper", "svg.fonttype": "path", "font.size": font_size}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        figure.savefig(target, format="svg", metadata={"Date": None})
