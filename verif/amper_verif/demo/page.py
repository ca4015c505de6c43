"""The demo's page: one HTML file with everything in it."""

from __future__ import annotations

import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from amper_hw.base import latency
from amper_report.page import rendered
from amper_verif.demo import pictures
from amper_verif.demo.replay import Replay, shares
from amper_verif.demo.result import ROOT, shown
from amper_verif.harness.lint import LINTERS

if TYPE_CHECKING:
    from amper_verif.demo.result import Demo

CSP_VARIANT = "fr-dithered"  # whose candidate sets are shown
TEMPLATE = Path(__file__).with_name("demo.html.j2")


def write_page(result: Demo) -> None:
    """Write ``result.page``."""
    result.page.write_text(rendered(TEMPLATE, context(result)), encoding="utf-8")


def context(result: Demo) -> dict[str, Any]:
    """Everything that the template shows."""
    config = result.config
    return {
        "demo": result,
        "config": config,
        "linters": LINTERS,
        "cycles": result.generated.description["cycles"],
        "lines": result.generated.verilog.count("\n"),
        "megabytes": len(result.generated.verilog) / 1e6,
        "architecture": _architecture(),
        "waveform": Markup(pictures.waveform(result.batch, result.batch_config)),
        "batch_cycles": latency.batch_cycles(result.batch_config),
        "draw_shares": Markup(pictures.draw_shares(result.replayed, result.others)),
        "csp_over_time": Markup(pictures.csp_over_time(result.others[CSP_VARIANT])),
        "draws": _draws(result),
        "shares": _shares(result),
        "csp": _csp(result.others[CSP_VARIANT]),
        "csp_variant": CSP_VARIANT,
        "commands": commands(result),
        "versions": _versions(result),
    }


def _architecture() -> Markup | None:
    """The picture, which the README shows too; None where the package is installed without the repository."""
    path = ROOT / "docs/pictures/architecture.svg"
    return Markup(path.read_text(encoding="utf-8")) if path.exists() else None


def _draws(result: Demo) -> dict[str, float]:
    """Distances from PER: of the draws, and of the agent's own."""
    run = result.replayed
    return {"distance": run.distance(run.draws), "agent_distance": run.distance(run.trace_draws)}


def _shares(result: Demo) -> list[tuple[str, float, float, float]]:
    """(variant, distance from PER, draws over PER's in the lowest bin, in the highest)."""
    lines = []
    for name, run in {result.config.variant: result.replayed, **result.others}.items():
        ratio = shares(run.draws) / np.maximum(run.per.mean(axis=0), 1e-12)
        lines.append((name, run.distance(run.draws), float(ratio[0]), float(ratio[-1])))
    return lines


def _csp(run: Replay) -> dict[str, float]:
    drawn = ~run.fallback
    share = run.csp_share[drawn] if drawn.any() else np.ones(1)
    return {
        "median": float(np.median(share)),
        "low": float(np.percentile(share, 5)),
        "high": float(np.percentile(share, 95)),
        "rows": float(np.median(run.csp_size)),
        "fallbacks": int(run.fallback.sum()),
        "batches": len(run.valid),
        "last_mean": float(run.mean[-1] / run.vmax[-1]),
    }


def commands(result: Demo) -> list[str]:
    """What to type to do each step by hand."""
    config = result.config
    scale = ["--priority-scale", f"{config.priority_scale:g}"]
    sizes = ["--rows", f"{config.rows}", "--batch", f"{config.batch}"]
    folder = shown(result.verilog.parent)
    seed = str(config.seed)
    lines = [["amper", "generate", *sizes, *scale, "--seed", seed, "-o", folder]]
    for run in result.runs:
        count = result.simulated[run.simulator]
        limit = ["--operations", str(count)] if count < len(result.trace) else []
        replayed = ["--trace", shown(result.trace_path), *limit]
        lines.append(["amper", "verify", "--sim", run.simulator, *replayed, *scale, "--device-seed", seed])
    return [shlex.join(line) for line in lines] + [
        f"cd {shlex.quote(folder)}; {each.command}" for each in result.linted
    ]


def _versions(result: Demo) -> dict[str, str]:
    made: dict[str, str] = result.generated.description["versions"]
    linters = {each.linter: each.version for each in result.linted}
    return (
        made
        | linters
        | {
            "cocotb": version("cocotb"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
        }
    )
