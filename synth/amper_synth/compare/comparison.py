"""The figures of ``amper compare``: what each contestant takes for a step, what kind of figure that is, and ratios.

A step is a batch drawn and its priorities written back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, get_args

from amper_report.environment import described

Figure = Literal["measured", "estimated", "quoted"]
Pace = Literal["alone", "back to back"]
Part = Literal["rtl", "software", "gpu", "paper"]

FIGURES: tuple[str, ...] = get_args(Figure)
THIS_RUN = "this run"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A contestant at one pace.

    Members
    -------
    figure : what kind ``ns`` is of. pace : each step awaited, or steps as close as they go. ours : of this project.
    ns : of a step, the median; None: none, and ``reason`` says why. quartile_ns : first and third.
    sample_ns, update_ns : its two parts, where they were taken apart. cycles : of a step, from simulation.
    repeats_ns : of each repeat. run : in which they were measured; those of one run were interleaved.
    where : processor, GPU, or the library of the period. note : what its work has more or less than the others'.
    quoted_ratio : least and largest published ratio, of what has no time.
    """

    name: str
    part: Part
    figure: Figure
    pace: Pace = "alone"
    ours: bool = False
    ns: float | None = None
    quartile_ns: tuple[float, float] | None = None
    sample_ns: float | None = None
    update_ns: float | None = None
    cycles: float | None = None
    repeats_ns: tuple[float, ...] = ()
    run: str = THIS_RUN
    where: str = ""
    reason: str = ""
    note: str = ""
    quoted_ratio: tuple[float, float] | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Entry:
        """Of what JSON made of ``asdict``."""
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**(values | lists))


PAPER = Entry(
    name="PER on a GPU / AMPER's hardware in the paper",
    part="paper",
    figure="quoted",
    quoted_ratio=(55.0, 270.0),
    where="arXiv 2207.07791",
    note="the headline of arXiv 2207.07791, of its own hardware and its own GPU: a ratio, and no time",
)


@dataclass(frozen=True)
class Comparison:
    """The entries of a command.

    Members
    -------
    rows, batch : n, b, of all. config : of the RTL. options : of the measurement.
    environments : machine and versions by run.
    """

    rows: int
    batch: int
    config: dict[str, Any]
    options: dict[str, Any]
    environments: dict[str, dict[str, Any]]
    entries: tuple[Entry, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold: the members, and the ratios of each entry by what it is set against."""
        bases = self.bases()
        lines = [asdict(entry) | {"ratios": ratios(entry, bases)} for entry in self.entries]
        return asdict(self) | {"entries": lines}

    def bases(self) -> dict[str, dict[str, Entry]]:
        """What everyone is set against, by title, then by pace."""
        return bases(self.entries)


def bases(entries: Sequence[Entry]) -> dict[str, dict[str, Entry]]:
    """The RTL with each of its periods at both paces, and our fastest software, which has one.

    The software's title says which it is; what does not prioritize is not among it.
    """
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        if entry.part == "rtl" and entry.ns is not None:
            found.setdefault(entry.name, {})[entry.pace] = entry
    software = [entry for entry in entries if entry.part == "software" and entry.ours and entry.ns is not None]
    prioritized = [entry for entry in software if entry.name != "amper uniform"]
    if prioritized:
        fastest = min(prioritized, key=lambda entry: entry.ns or 0.0)
        found[fastest.name] = {"alone": fastest, "back to back": fastest}
    return found


def ratios(entry: Entry, against: dict[str, dict[str, Entry]]) -> dict[str, float]:
    """How many times as long ``entry`` takes as each of ``against``, at its own pace."""
    found = {title: ratio(entry, paces[entry.pace]) for title, paces in against.items() if entry.pace in paces}
    return {title: value for title, value in found.items() if value is not None}


def ratio(entry: Entry, base: Entry) -> float | None:
    """The median of the repeats' ratios where both were in the same repeats, else the quotient of the medians."""
    if entry.ns is None or not base.ns:
        return None
    if entry.run == base.run and len(entry.repeats_ns) == len(base.repeats_ns) > 0 and entry.pace == base.pace:
        return median(mine / other for mine, other in zip(entry.repeats_ns, base.repeats_ns, strict=True))
    return entry.ns / base.ns


def gpu_entries(path: Path, *, rows: int, batch: int) -> tuple[list[Entry], dict[str, Any]]:
    """The GPU's entries of a ``compare.json``, which then belong to the run of that file, and its environment.

    Raises
    ------
    OSError : the file cannot be read. ValueError : no such file, no GPU measured in it, or of another size.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        found = [Entry.from_dict(_without_ratios(each)) for each in saved["entries"] if each["part"] == "gpu"]
        sizes = {"rows": saved["rows"], "batch": saved["batch"]}
        facts: dict[str, Any] = saved["environments"][THIS_RUN]
        described(facts)  # is all there that the table tells of it?
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"gpu_results must be a compare.json of amper compare, and {path} is none: {error}") from error
    for name, wanted in {"rows": rows, "batch": batch}.items():
        if sizes[name] != wanted:
            raise ValueError(f"gpu_results must be of {name} = {wanted}, and {path} is of {name} = {sizes[name]}")
    if not any(entry.ns is not None for entry in found):
        raise ValueError(f"gpu_results must hold times of a GPU, and {path} holds none")
    return [replace(entry, run=path.name) for entry in found], facts


def _without_ratios(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "ratios"}
