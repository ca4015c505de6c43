"""What the demo is made from, and what it did and found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper.operations.trace import Kind, Trace
from amper_hw.output.generate import Generated
from amper_verif.demo.replay import Replay
from amper_verif.harness.lint import LintResult
from amper_verif.verify import Verification

ROOT = Path(__file__).resolve().parents[3]
DEFAULT_TRACE = ROOT / "verif/traces/cartpole-2000.npz"


@dataclass(frozen=True)
class Inputs:
    """What the demo is made from."""

    config: AmperConfig
    trace: Trace
    trace_path: Path
    operations: int  # of the trace, replayed in the golden model
    simulated: dict[str, int]  # and in each simulator
    folder: Path


@dataclass(frozen=True)
class Demo(Inputs):
    """What the demo did and found."""

    generated: Generated
    verilog: Path
    linted: list[LintResult]
    runs: list[Verification]
    batch_config: AmperConfig  # of the single batch that the page shows as a waveform
    batch: dict[str, Any]  # its report
    replayed: Replay
    others: dict[str, Replay]  # the same with each variant of AMPER
    seconds: float

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "index.html"

    @property
    def passed(self) -> bool:
        """Whether no linter complained, and every simulator compared something and found no difference."""
        accepted = bool(self.linted) and all(result.passed for result in self.linted)
        return accepted and bool(self.runs) and all(run.passed for run in self.runs)


def demo_config(trace: Trace, seed: int) -> AmperConfig:
    """The configuration for a trace: its rows and batch, and the finest priority scale, a power of two, that fits it.

    Fine codes matter to AMPER's variants: a radius below one code still matches a whole code, so that low priorities
    are drawn too often.
    """
    draws = trace.kind == Kind.DRAW
    largest = float(trace.priority[~draws].max(initial=1e-9))
    top = AmperConfig(rows=trace.rows).priority_max
    scale = 2.0 ** max(0, int(top / largest).bit_length() - 1)
    return AmperConfig(rows=trace.rows, batch=trace.batch, seed=seed, priority_scale=scale)


def shown(path: Path) -> str:
    """A path as a person would write it: relative where it lies in the working directory."""
    absolute = path.resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
