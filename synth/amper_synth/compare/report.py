"""The table and the picture of ``amper compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amper_report.environment import described
from amper_report.figures import COLOURS, figure_file
from amper_report.tables import filled, table
from amper_synth.compare.comparison import FIGURES, Comparison, Entry, ratios

FIGURE_COLOURS = {"estimated": COLOURS[1], "measured": COLOURS[0], "quoted": COLOURS[4]}
ORDER = ("estimated", "measured", "quoted")
SHORT_REASON = 40  # letters that fit into a cell

_EXPLAINED = """\
- **estimated**: cycles of a simulation of this run, times the period that static timing reported; before layout for a
  cell library, routed for an FPGA. No bus.
- **measured**: wall clock; median (first to third quartile) of the repeats, from warm caches.
- **quoted**: the paper's own ratio, of its own hardware and GPU; nothing here was measured against it.
- **alone**: each step awaited. **back to back**: steps as close as they go; on a GPU, 100 queued at once.
- A ratio above 1 is slower. The RTL is set against each row at the row's own pace."""


def markdown(comparison: Comparison) -> str:
    """Everything, with what it was measured on."""
    entries = ordered(comparison.entries)
    parts = [
        f"# A step of {comparison.batch} draws and {comparison.batch} updates, n = {comparison.rows:,}",
        _table(comparison, entries),
        _EXPLAINED,
        _notes(entries),
        _environments(comparison),
    ]
    return filled("\n\n".join(part for part in parts if part)) + "\n"


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """By kind of figure; as they are in each."""
    return sorted(entries, key=lambda entry: ORDER.index(entry.figure))


def _table(comparison: Comparison, entries: Sequence[Entry]) -> str:
    bases = comparison.bases()
    titles = ["figure", "", "pace", "step", "sample + update", "cycles", *(f"times {title}" for title in bases)]
    rows = []
    for entry in entries:
        found = ratios(entry, bases)
        rows.append(
            [
                f"**{entry.figure}**",
                _name(entry),
                "" if entry.quoted_ratio else entry.pace,
                _step(entry),
                _both(entry),
                "" if entry.cycles is None else f"{entry.cycles:.5g}",
                *(f"{found[title]:.3g}" if title in found else "" for title in bases),
            ]
        )
    return table(titles, rows)


def _name(entry: Entry) -> str:
    """With the machine, where that is not the one of the run's other entries."""
    return f"{entry.name}, {entry.where}" if entry.part == "gpu" and entry.where else entry.name


def _step(entry: Entry) -> str:
    if entry.quoted_ratio:
        return "{:g} to {:g} times, its own".format(*entry.quoted_ratio)
    if entry.ns is None:
        return entry.reason if len(entry.reason) <= SHORT_REASON else "could not take part, see below"
    if entry.quartile_ns is None:
        return _time(entry.ns)
    low, high = (_time(each) for each in entry.quartile_ns)
    return f"{_time(entry.ns)} ({low} to {high})"


def _both(entry: Entry) -> str:
    if entry.sample_ns is None or entry.update_ns is None:
        return ""
    return f"{_time(entry.sample_ns)} + {_time(entry.update_ns)}"


def _time(ns: float) -> str:
    return f"{ns:.3g} ns" if ns < 1000 else f"{ns / 1000:.3g} us"


def _notes(entries: Sequence[Entry]) -> str:
    notes = {f"{entry.name}: {entry.note}" for entry in entries if entry.note}
    notes |= {f"{entry.name} could not take part: {entry.reason}" for entry in entries if _absent(entry)}
    return "\n".join(f"- {note}." if not note.endswith(".") else f"- {note}" for note in sorted(notes))


def _absent(entry: Entry) -> bool:
    return entry.part in ("software", "gpu") and entry.ns is None


def _environments(comparison: Comparison) -> str:
    lines = [f"{run}: {described(facts)}" for run, facts in comparison.environments.items()]
    config = ", ".join(f"{name} = {value}" for name, value in comparison.config.items())
    options = ", ".join(f"{name} = {value}" for name, value in comparison.options.items())
    return "\n\n".join([*lines, f"RTL: {config}.", f"Options: {options}."])


def draw(comparison: Comparison, path: Path) -> None:
    """Bars, logarithmic, coloured by the kind of figure: times, and the ratios to the first RTL that has a time."""
    entries = ordered(comparison.entries)[::-1]
    bases = comparison.bases()
    rtl = next((entry.name for entry in comparison.entries if entry.part == "rtl" and entry.ns is not None), None)
    with figure_file(path, 12 if rtl else 8, 1.6 + 0.34 * len(entries)) as figure:
        panels = figure.subplots(1, 2 if rtl else 1, sharey=True, squeeze=False)[0]
        names = [_label(entry) for entry in entries]
        for place, entry in enumerate(entries):
            colour = FIGURE_COLOURS[entry.figure]
            if entry.ns is not None:
                panels[0].barh(place, entry.ns, color=colour)
            if rtl and entry.quoted_ratio:
                low, high = entry.quoted_ratio
                panels[1].barh(place, high - low, left=low, color=colour)
            value = ratios(entry, bases).get(rtl) if rtl else None
            if value is not None:
                panels[1].barh(place, value, color=colour)
        titles = [
            f"ns for {comparison.batch} draws and updates, n = {comparison.rows:,}",
            "times the first RTL, at the same pace",
        ]
        for panel, title in zip(panels, titles, strict=False):
            panel.set_xscale("log")
            panel.set_title(title, fontsize=10)
            panel.grid(alpha=0.3, axis="x")
        panels[0].set_yticks(range(len(names)), names)
        _legend(figure)


def _label(entry: Entry) -> str:
    pace = "" if entry.pace == "alone" else ", back to back"
    return _name(entry) + pace + ("" if entry.ns is not None or entry.quoted_ratio else " (none)")


def _legend(figure: object) -> None:
    from matplotlib.patches import Patch  # optional: only the plots need it

    handles = [Patch(color=FIGURE_COLOURS[name], label=name) for name in FIGURES]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))  # type: ignore[attr-defined]
