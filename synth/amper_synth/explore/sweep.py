"""A sweep: many configurations through the ASIC flow, over all cores; finished points are found again."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from amper import AmperConfig
from amper.support.extras import require
from amper_spec.checks import checked_integer
from amper_synth.asic.point import Failure, Point, Target, measured, target_of
from amper_verif.harness.yosys import SynthesisError


@dataclass(frozen=True)
class Sweep:
    """What a sweep found, in the order of the configurations."""

    points: tuple[Point, ...]
    failures: tuple[Failure, ...]
    target: Target


def sweep(
    configs: Sequence[AmperConfig],
    liberty: Sequence[str | Path],
    *,
    folder: str | Path,
    jobs: int | None = None,
    progress: bool = False,
) -> Sweep:
    """Measure every configuration that was not measured before.

    Parameters
    ----------
    configs : what to measure. liberty : files of one library. folder : ``points/<key>.json`` is a finished point,
    ``work/<key>`` the scripts and logs of one under way or failed. jobs : processes; None for one a core, 1 for this
    one alone. progress : a bar on standard error.

    Raises
    ------
    LibertyError, ValueError, TypeError : bad input. OSError : files. SynthesisError : no Yosys, or a process was ended
    from outside (the same call goes on where it stopped). ImportError : no tqdm.
    """
    jobs = checked_integer("jobs", (os.cpu_count() or 1) if jobs is None else jobs, 1, 1024)
    bar = require("tqdm", "explore").tqdm
    target, target_folder = target_of(liberty), Path(folder)
    target_folder.mkdir(parents=True, exist_ok=True)
    found: dict[AmperConfig, Point | Failure] = {}
    with bar(total=len(configs), desc="explore", unit="point", disable=not progress) as shown:
        for outcome in _outcomes(configs, target, target_folder, min(jobs, len(configs))):
            found[outcome.config] = outcome
            if isinstance(outcome, Failure):
                shown.write(f"failed: {outcome.reason}", file=sys.stderr)
            shown.update()
    outcomes = [found[config] for config in configs]
    return Sweep(
        tuple(each for each in outcomes if isinstance(each, Point)),
        tuple(each for each in outcomes if isinstance(each, Failure)),
        target,
    )


def _outcomes(configs: Sequence[AmperConfig], target: Target, folder: Path, jobs: int) -> Iterator[Point | Failure]:
    """One for each configuration, as they come."""
    if jobs <= 1:
        yield from (measured(config, target, folder) for config in configs)
        return
    # Processes of their own make, not copies of this one, which may have threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context)
    try:
        for future in as_completed([pool.submit(measured, config, target, folder) for config in configs]):
            yield future.result()
    except BrokenProcessPool as error:
        raise SynthesisError(
            f"a process of the sweep was ended ({error}); the same command goes on from here"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
