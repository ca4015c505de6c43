"""Run the tests of TorchRL, Tianshou and Stable-Baselines3 themselves on our adapters, and print what became of them.

    python tests/peers/run.py                                   # with the tests of the installed versions
    python tests/peers/run.py --source torchrl=../rl            # a folder with its repository's files instead

Needs: pip install 'amper[torchrl,tianshou,sb3]' pytest

Each library's tests are imported after ours took its classes' places (stand_ins.py); suites.py says which, and which
tests cannot pass: they are run all the same, and must fail. The exit code is 0 if all others passed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from suites import SUITES, Suite

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="LIBRARY", help=f"of {', '.join(SUITES)} (default: all)")
    parser.add_argument(
        "--source", action="append", default=[], metavar="LIBRARY=FOLDER", help="its repository's files"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show pytest's own output")
    options = parser.parse_args()
    sources = dict(each.split("=", 1) for each in options.source)
    for name in [*options.suites, *sources]:
        if name not in SUITES:
            parser.error(f"LIBRARY must be {', '.join(SUITES)}, not {name}")
    good = True
    for name in options.suites or SUITES:
        with tempfile.TemporaryDirectory() as work:
            folder = Path(sources[name]).resolve() if name in sources else fetched(SUITES[name], Path(work))
            outcomes = run(name, folder, Path(work) / "outcomes.json", options.verbose)
        good &= shown(SUITES[name], outcomes)
    return 0 if good else 1


def fetched(suite: Suite, work: Path) -> Path:
    """The library's sources at the installed version: its source package if that has tests, else its repository."""
    released = version(suite.package)
    target = work / suite.package
    if not suite.has_tests:
        tag = f"v{released}"
        subprocess.run(["git", "clone", "-q", "--depth", "1", "--branch", tag, suite.url, str(target)], check=True)
        return target
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(work)]
    subprocess.run([*download, f"{suite.package}=={released}"], check=True)
    with tarfile.open(next(work.glob("*.tar.gz"))) as package:
        package.extractall(target, filter="data")
    # Without the library itself, which is to be the installed one.
    (tests,) = target.glob("*/tests")
    return Path(shutil.move(tests, target / "tests")).parent


def run(name: str, folder: Path, result: Path, verbose: bool) -> dict[str, tuple[str, str]]:
    """What became of each test, by its name, and why."""
    suite = SUITES[name]
    command = [sys.executable, "-m", "pytest", "-p", "stand_ins", "-p", "no:cacheprovider", "-q", "--no-header"]
    command += ["-o", "addopts=", "-k", suite.chosen, *suite.files]
    nearby = {str((folder / file).parent) for file in suite.files}  # which some of them import from
    path = os.pathsep.join([str(HERE), str(folder), *sorted(nearby), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "AMPER_SUITE": name, "AMPER_SUITE_RESULT": str(result)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=not verbose, text=True)
    if not result.exists():
        sys.exit(f"pytest did not run:\n{done.stdout}\n{done.stderr}")
    outcomes: dict[str, tuple[str, str]] = json.loads(result.read_text(encoding="utf-8"))
    return outcomes


def shown(suite: Suite, outcomes: dict[str, tuple[str, str]]) -> bool:
    """Print them; whether all passed that should, and any did."""
    counts = Counter(outcome for outcome, _ in outcomes.values())
    print(f"{suite.package} {version(suite.package)}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    for kind in ("failed", "excluded", "skipped"):
        reasons: dict[str, list[str]] = {}
        for test, (outcome, why) in outcomes.items():
            if outcome == kind:
                reasons.setdefault(why, []).append(test.rsplit("::", 1)[-1].split("[")[0])
        for why, tests in reasons.items():
            names = ", ".join(f"{test} ({n})" if n > 1 else test for test, n in Counter(tests).items())
            print(f"  {kind}: {names}: {why}")
    return bool(counts["passed"]) and not counts["failed"]


if __name__ == "__main__":
    sys.exit(main())
