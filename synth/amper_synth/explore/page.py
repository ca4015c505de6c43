"""A sweep's page: one HTML file with everything in it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amper.support.extras import require
from amper_report.page import rendered
from amper_spec.declare import word
from amper_synth.asic.point import Point
from amper_synth.explore import report as report
from amper_synth.explore.sweep import Sweep
from amper_synth.predict.features import group_areas
from amper_synth.predict.fit import HeldOut
from amper_synth.predict.predictor import Predictor

TEMPLATE = Path(__file__).with_name("explore.html.j2")


def require_page() -> None:
    """ImportError, naming the extra, unless all that the page needs is installed: before a sweep, not after it."""
    for module in ("jinja2", "matplotlib", "scipy.optimize"):
        require(module, "explore")


def write_page(
    found: Sweep,
    predictor: Predictor | None,
    held_out: Sequence[HeldOut],
    path: Path,
    *,
    command: str,
    without: str = "",
) -> None:
    """Write the page. ``command`` made it; ``without`` : why there is no predictor."""
    values = _pictures(found.points, held_out) | {
        "conditions": report.conditions(found.points),
        "varied": report.varied(found.points),
        "measured": report.MEASURED,
        "fronts": [_row(point) for front in report.fronts(found.points).values() for point in front],
        "points": [_row(point) for point in found.points],
        "failures": found.failures,
        "errors": report.error_rows(predictor) if predictor else [],
        "without": without,
        "constant": report.constant(found.points),
        "versions": _versions(found),
        "command": command,
    }
    path.write_text(rendered(TEMPLATE, values), encoding="utf-8")


def _pictures(points: Sequence[Point], held_out: Sequence[HeldOut]) -> dict[str, Any]:
    from markupsafe import Markup  # comes with jinja2

    from amper_synth.explore import pictures as pictures

    groups = [group_areas(point.by_component) for point in points]
    return {
        "pareto": Markup(pictures.pareto(points)),
        "areas": Markup(pictures.areas(points, groups)),
        "predicted": Markup(pictures.predicted(held_out)) if held_out else "",
    }


def _row(point: Point) -> dict[str, str]:
    """A point's cells by column."""
    values = {name: word(value) for name, value in point.config.to_dict().items()}
    path = report.line(point)["longest path"]
    return values | {name: report.cell(point, name) for name in report.MEASURED} | {"longest path": path}


def _versions(found: Sweep) -> dict[str, str]:
    library = found.points[-1].result["library"]
    return dict(found.target.versions) | {
        "library": ", ".join(library["names"]),
        "files": ", ".join(library["files"]),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
