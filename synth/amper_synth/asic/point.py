"""A point of a sweep: a configuration through the ASIC flow, kept in a file under what it depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper.support.files import replacing
from amper_hw.output.generate import TOP, generate
from amper_synth.asic.flow import AS_FAST_AS_POSSIBLE, synthesise_asic
from amper_synth.asic.script import abc_constraints, abc_script, asic_script
from amper_synth.liberty.cells import Library, load_library
from amper_synth.tools.sta import sta_available, sta_version
from amper_synth.tools.units import NANO
from amper_verif.harness.yosys import yosys_version

MOST = 300  # characters of an error that are shown


@dataclass(frozen=True)
class Target:
    """What all points of a sweep share: the library's files, digests of their contents, versions of the tools."""

    liberty: tuple[str, ...]
    contents: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Point:
    """A configuration and what the flow found. ``reused`` : it was measured before, by a sweep into the same folder."""

    config: AmperConfig
    key: str
    seconds: float | None  # of one core, that the flow took; None where nobody counted them
    result: dict[str, Any]  # as ``AsicResult.to_dict``, paths without their cells
    reused: bool = False

    @property
    def area_um2(self) -> float:
        """Of the whole."""
        return float(self.result["area"]["total_um2"])

    @property
    def by_component(self) -> dict[str, float]:
        """um2 by module, all instances together."""
        return dict(self.result["area"]["by_component"])

    @property
    def period_ns(self) -> float:
        """The longest path."""
        return float(self.result["timing"]["period_ns"])

    @property
    def fmax_mhz(self) -> float:
        """The clock of the longest path."""
        return 1000 / self.period_ns

    @property
    def batch_ns(self) -> float:
        """A batch alone."""
        return float(self.result["batch_ns"])


@dataclass(frozen=True)
class Failure:
    """A configuration that gave no point, and why."""

    config: AmperConfig
    reason: str


def target_of(liberty: Sequence[str | Path]) -> Target:
    """Read what points are kept under. LibertyError, OSError, SynthesisError: a bad library, no Yosys."""
    paths = tuple(map(str, liberty))
    _library(paths)  # a bad one is better known before the first point
    tools = {"amper": version("amper"), "yosys": yosys_version(Path())}
    tools["timing"] = sta_version() if sta_available() else "ABC's estimate"
    contents = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)
    return Target(paths, contents, tuple(tools.items()))


def measured(config: AmperConfig, target: Target, folder: Path) -> Point | Failure:
    """The point of ``config``: from its file in ``folder``, else through the flow, and then kept there.

    A point that fails is a ``Failure``, whatever went wrong; its scripts and logs stay in ``folder/work``.
    """
    try:
        key = key_of(config, target)
        file = folder / "points" / f"{key}.json"
        found = load_point(file)
        return found if found is not None else _measure(config, target, key, folder)
    except Exception as error:  # of one point among many: the others go on
        text = str(error)  # a tool's error has the end of its log
        return Failure(config, f"{type(error).__name__}: {text if len(text) <= MOST else '... ' + text[-MOST:]}")


def key_of(config: AmperConfig, target: Target) -> str:
    """A digest of all that a point depends on: configuration, Verilog, scripts, library, versions."""
    library = _library(target.liberty)
    verilog = generate(config, name=TOP).verilog
    period = AS_FAST_AS_POSSIBLE * NANO
    files = [f"library_{index}" for index in range(len(target.liberty))]
    script = asic_script("amper.v", verilog, library, files, period=period, gate=library.has("clock gate"))
    parts = [json.dumps(config.to_dict()), verilog, script, abc_script(period), abc_constraints(library)]
    parts += [*target.contents, json.dumps(target.versions)]
    digests = [hashlib.sha256(part.encode()).hexdigest() for part in parts]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def load_point(file: Path) -> Point | None:
    """The point of a file; None if there is none, or it cannot be read and has to be measured again."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        config = AmperConfig.from_dict(values["result"]["config"])
        return Point(config, values["key"], values["seconds"], values["result"], reused=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def synthesised_point(file: Path, liberty: Sequence[str | Path]) -> Point:
    """The point of an ``asic.json`` of ``amper synth``, whose seconds nobody has counted.

    Raises
    ------
    OSError : the file cannot be read. ValueError : it is something else, or of another library than ``liberty``.
    """
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        point = Point(AmperConfig.from_dict(result["config"]), str(file), None, result)
        _ = point.area_um2, point.by_component, point.period_ns, point.batch_ns, result["timing"]["paths"]
        names = tuple(result["library"]["names"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"also must be an asic.json of amper synth, and {file} is none: {error!r}") from error
    expected = _library(tuple(map(str, liberty))).names
    if names != expected:
        raise ValueError(f"also must be of {', '.join(expected)}, and {file} is of {', '.join(names)}")
    return point


def _measure(config: AmperConfig, target: Target, key: str, folder: Path) -> Point:
    work = folder / "work" / key
    begin = sum(os.times()[:4])  # of this process and those it waited for
    result = synthesise_asic(config, target.liberty, folder=work).to_dict()
    seconds = sum(os.times()[:4]) - begin
    # The cells of every path are half of a point's file and of no use here.
    paths = [{name: value for name, value in path.items() if name != "cells"} for path in result["timing"]["paths"]]
    result["timing"]["paths"] = paths
    point = Point(config, key, seconds, result)
    _save(point, folder / "points" / f"{key}.json")
    shutil.rmtree(work)
    return point


def _save(point: Point, file: Path) -> None:
    """Written aside and renamed: a file that is there is whole, whenever a sweep is interrupted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    values = {"key": point.key, "seconds": point.seconds, "result": point.result}
    with replacing(file) as aside:
        aside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


@lru_cache(maxsize=1)
def _library(paths: tuple[str, ...]) -> Library:
    """Once a process: a large library takes seconds."""
    return load_library(paths)
