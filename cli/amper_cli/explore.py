"""``amper explore``: what many configurations cost in a cell library, and what others would."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amper_cli.arguments import Different, folder, source
from amper_cli.errors import fail, reporting
from amper_cli.options import add_parts, add_preset, given, preset_of
from amper_spec.config import AmperConfig
from amper_spec.declare import word
from amper_synth.explore.grid import configurations
from amper_synth.predict.predictor import Predictor
from amper_synth.predict.table import predictions_table

if TYPE_CHECKING:
    from amper_synth.explore.sweep import Sweep

DESCRIPTION = """\
Take every combination of the values given for the configuration's parameters, or a random sample of them, through the
flow of `amper synth --target asic`, and make in DIR a page (index.html) of area against batch latency for every n,
points.csv, and predictor.json, from which --predict answers for a new configuration in milliseconds. Finished points
are kept in DIR/points and found again, so that the same command, interrupted, goes on where it stopped. Prints the
Pareto fronts and the predictor's error on points left out of the fit as Markdown. The exit code is 1 if a point failed;
2 on bad input; 130 after an interruption.
"""

EXAMPLES = """\
examples:
  amper explore --liberty sky130hd_tt.lib.gz --rows 64 256 --search-ports 1 4 --draw-ports 1 4 -o build/explore
  amper explore --liberty sky130hd_tt.lib.gz --rows 64 128 256 --groups 8 20 --points 5 -o build/some
  amper explore --predict build/explore --rows 512 1024 --draw-ports 1 2 4
"""


_RENAME = {"seed": "device_seed"}  # --seed is the sample's


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", type=folder, metavar="DIR", help="sweep, and put everything there")
    what.add_argument(
        "--predict", type=source, metavar="DIR", help="predict, from the predictor.json that a sweep put there"
    )
    parser.add_argument(
        "--liberty",
        type=source,
        action=Different,
        nargs="+",
        metavar="FILE",
        help="Liberty files of one library, plain or .gz",
    )
    parser.add_argument(
        "--also",
        type=source,
        action=Different,
        nargs="+",
        default=[],
        metavar="FILE",
        help="asic.json files of amper synth with the same library, which count as points, too",
    )
    parser.add_argument("--points", type=int, metavar="N", help="a random sample of at most N combinations")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample (default 0)")
    parser.add_argument("--jobs", type=int, metavar="N", help="points at the same time (default one a core)")
    parser.add_argument("--json", action="store_true", help="print predictions as JSON")
    group = parser.add_argument_group(
        "configuration", "Every parameter takes one value or several; of the preset it takes one."
    )
    add_preset(group)
    add_parts(parser, _RENAME, several=True)
    parser.set_defaults(run=run)


@reporting("explore", "explore", resumes=True)
def run(options: argparse.Namespace) -> int:
    """Sweep or predict, and print."""
    configs = configurations(_axes(options), points=options.points, seed=options.seed)
    if options.predict is not None:
        return _predict(Path(options.predict), configs, as_json=options.json)
    from amper_synth.asic.point import synthesised_point
    from amper_synth.explore.page import require_page
    from amper_synth.explore.sweep import sweep

    if not options.liberty:
        raise ValueError("a sweep needs --liberty FILE, the library to map to")
    require_page()
    also = [synthesised_point(file, options.liberty) for file in options.also]
    found = sweep(configs, options.liberty, folder=options.output, jobs=options.jobs, progress=True)
    return _report(replace(found, points=(*found.points, *also)), Path(options.output), command(options))


def _axes(options: argparse.Namespace) -> dict[str, list[Any]]:
    """The values of each parameter that is named, by an option or by the preset."""
    return {name: [value] for name, value in preset_of(options).items()} | given(options)


def _predict(folder: Path, configs: list[AmperConfig], *, as_json: bool) -> int:
    predictor = Predictor.load(folder / "predictor.json")
    begin = time.perf_counter()
    predictions = [predictor.predict(config) for config in configs]
    spent = time.perf_counter() - begin
    print(f"{len(predictions)} predictions, {1000 * spent / len(predictions):.2f} ms each", file=sys.stderr)
    if as_json:
        errors = asdict(predictor)["held_out"]
        print(json.dumps({"held_out": errors, "predictions": [each.to_dict() for each in predictions]}, indent=2))
    else:
        print(predictions_table(predictions, predictor))
    return 0


def _report(found: Sweep, folder: Path, words: str) -> int:
    """Write page, table and predictor, and print; 1 if a point failed."""
    from amper_synth.explore.page import write_page
    from amper_synth.explore.report import markdown, write_csv
    from amper_synth.predict.fit import HeldOut, TooFewPointsError, fit

    for failure in found.failures:
        print(f"failed: {shlex.join(failure.config.options(**_RENAME))}: {failure.reason}", file=sys.stderr)
    if not found.points:
        return fail("explore", RuntimeError("no point was measured"), code=1)
    predictor: Predictor | None = None
    held_out: list[HeldOut] = []
    without = ""
    file = folder / "predictor.json"
    try:
        predictor, held_out = fit(found.points)
        predictor.save(file)
    except TooFewPointsError as error:  # no reason against the page
        without = str(error)
        file.unlink(missing_ok=True)
        print(f"no predictor: {without}", file=sys.stderr)
    write_csv(found.points, held_out, folder / "points.csv")
    write_page(found, predictor, held_out, folder / "index.html", command=words, without=without)
    reused = sum(point.reused for point in found.points)
    print(f"{len(found.points)} points, {reused} of them found in {folder}", file=sys.stderr)
    print(markdown(found.points, predictor))
    return 1 if found.failures else 0


def command(options: argparse.Namespace) -> str:
    """The command that sweeps the same."""
    words = ["amper", "explore", "--liberty", *map(str, options.liberty)]
    for name, values in _axes(options).items():
        words += [f"--{_RENAME.get(name, name).replace('_', '-')}", *map(word, values)]
    if options.points is not None:
        words += ["--points", str(options.points), "--seed", str(options.seed)]
    if options.also:
        words += ["--also", *map(str, options.also)]
    return shlex.join([*words, "-o", str(options.output)])
