"""How far a simulation is: left in a file by who runs it, read by who waits for it.

The file holds "done total" while the bench runs, and is empty while the design compiles.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: Environment variable with the file's path.
VARIABLE = "AMPER_BENCH_PROGRESS"

_NAME = "progress"


def start(run: Path) -> Path:
    """A run begins in its folder, inside the build's: the file, for ``VARIABLE``."""
    file = run / _NAME
    file.write_text("", encoding="utf-8")
    return file


def leave_progress(done: int, total: int) -> None:
    """Inside a bench: how many of its operations are done."""
    Path(os.environ[VARIABLE]).write_text(f"{done} {total}", encoding="utf-8")


def followed(operations: Iterable[T]) -> Iterator[T]:
    """Inside a bench: the operations one by one, with progress left at each."""
    all_of_them = list(operations)
    for done, operation in enumerate(all_of_them):
        leave_progress(done, len(all_of_them))
        yield operation
    leave_progress(len(all_of_them), len(all_of_them))


def how_far(folder: Path, since: float) -> str:
    """In a few words, of the run of a build in the folder that began at ``since``, in seconds, or later."""
    try:
        age, file = max((file.stat().st_mtime, file) for file in folder.glob(f"*/*/{_NAME}"))
    except (OSError, ValueError):  # none yet
        age, file = 0.0, folder
    if age < since:
        return "generates Verilog"
    counted = _read(file)
    return f"{counted[0]:,} of {counted[1]:,} operations" if counted else f"is {_compiling(file.parents[1])}"


@contextlib.contextmanager
def bar(file: Path, label: str) -> Iterator[None]:
    """A progress bar that follows the file for as long as the block lasts."""
    from tqdm import tqdm

    finished = threading.Event()
    with tqdm(desc=label, unit="op", total=None) as shown:

        def update() -> None:
            counted = _read(file)
            if counted is None:
                shown.set_postfix_str(_compiling(file.parents[1]))
                return
            shown.set_postfix_str("", refresh=False)
            shown.total = counted[1]
            shown.update(counted[0] - shown.n)

        def follow() -> None:
            while not finished.wait(0.5):
                update()

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
        finally:
            finished.set()
            follower.join()
            update()


def _read(file: Path) -> tuple[int, int] | None:
    """Operations done, and all; None while there is nothing to count, or when it is half written."""
    try:
        done, total = map(int, file.read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return None
    return done, total


def _compiling(build: Path) -> str:
    """What a simulator is doing before the bench runs: Verilator's C++ takes long, and is counted in files."""
    sources, objects = (len(list(build.glob(f"Vtop*.{ending}"))) for ending in ("cpp", "o"))
    return f"compiling ({objects} of {sources} files of C++)" if sources else "compiling"
