"""Statistical tests of the random streams: `python -m amper_lab.studies.urng_statistics`, results in urng.md.

The words of both streams, in five orders, go through tests of our own ("builtin", ``urng_tests``) or dieharder, a
published battery. A small C program makes the words; its first ones are held against `amper.streams`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from amper import AmperConfig, streams
from amper_lab.studies.urng_tests import PAIR_TESTS, STREAM_TESTS, Words, failed

ORDERS = ("query", "draw", "interleaved", "reversed", "low32")  # see urng_words.c
# Numbers of the dieharder tests that take seconds and that its author calls reliable.
DIEHARDER_QUICK = (*range(5), *range(8, 14), 15, 16, 100, 101, 102, 202, *range(204, 210))

# --- the words ----------------------------------------------------------------------------------------------


class WordSource:
    """Compiled generator of the words of one seed.

    Parameters
    ----------
    directory : where the program is built.
    seed : of both streams.

    Raises
    ------
    FileNotFoundError : no C compiler. RuntimeError : the program and `amper.streams` differ.
    """

    CHECKED = 1000  # words of every order that are held against the Python class

    def __init__(self, directory: Path, seed: int) -> None:
        self.seed = seed
        self.program = directory / "urng_words"
        source = Path(__file__).with_name("urng_words.c")
        subprocess.run([os.environ.get("CC", "cc"), "-O3", "-o", self.program, source], check=True)
        for order in ORDERS:
            if not np.array_equal(self.read(order, self.CHECKED), python_words(order, seed, self.CHECKED)):
                raise RuntimeError(f"{source.name} and amper.streams differ in order {order} of seed {seed}")

    def command(self, order: str, count: int = 0) -> list[str]:
        """Command line that writes ``count`` raw words, without end if it is 0."""
        query, draw = AmperConfig(rows=1, seed=self.seed).stream_states
        return [str(part) for part in (self.program, order, *query, *draw, count)]

    def read(self, order: str, count: int) -> Words:
        """The first ``count`` words."""
        raw = subprocess.run(self.command(order, count), check=True, stdout=subprocess.PIPE).stdout
        return np.frombuffer(raw, dtype=np.uint64)


def python_words(order: str, seed: int, count: int) -> Words:
    """The first ``count`` words by `amper.streams`: slow, and the reference."""
    query, draw = streams(seed)
    if order == "interleaved":
        words = [(draw if place & 1 else query).next() for place in range(count)]
    elif order == "reversed":
        words = [int(f"{query.next():064b}"[::-1], 2) for _ in range(count)]
    elif order == "low32":
        halves = [query.next() & 0xFFFFFFFF for _ in range(2 * count)]
        return np.array(halves, dtype=np.uint32).view(np.uint64)
    else:
        words = [(query if order == "query" else draw).next() for _ in range(count)]
    return np.array(words, dtype=np.uint64)


# --- the batteries: (words looked at, test, p-value, failed) ------------------------------------------------

Result = tuple[str, str, float, bool]


def builtin(directory: Path, seed: int, orders: list[str], mebibytes: int) -> Iterator[Result]:
    """Our own tests: ``mebibytes`` of every order, and the streams of two neighbouring seeds in pairs."""
    source = WordSource(directory, seed)
    count = mebibytes << 17
    for order in orders:
        words = source.read(order, count)
        for name, test in STREAM_TESTS.items():
            p = test(words)
            yield order, name, p, failed(p)
    neighbour = WordSource(directory, (seed + 1) % 2**64)
    parts = {"query": source, "draw": source, "query of seed + 1": neighbour, "draw of seed + 1": neighbour}
    loaded = {name: part.read(name.split()[0], count) for name, part in parts.items()}
    names = list(loaded)
    for first, second in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
        for name, pair_test in PAIR_TESTS.items():
            p = pair_test(loaded[first], loaded[second])
            yield f"{first} / {second}", name, p, failed(p)


def dieharder(directory: Path, seed: int, orders: list[str], quick: bool) -> Iterator[Result]:
    """The whole dieharder battery, or its quick tests, for each of which the order starts anew."""
    if shutil.which("dieharder") is None:
        raise FileNotFoundError("dieharder is not installed: on Debian or Ubuntu, apt-get install dieharder")
    source = WordSource(directory, seed)
    for order in orders:
        for selection in [["-d", str(test)] for test in DIEHARDER_QUICK] if quick else [["-a"]]:
            with subprocess.Popen(source.command(order), stdout=subprocess.PIPE) as words:
                command = ["dieharder", "-g", "200", *selection]  # -g 200: raw words from standard input
                with subprocess.Popen(command, stdin=words.stdout, stdout=subprocess.PIPE, text=True) as battery:
                    assert words.stdout is not None
                    assert battery.stdout is not None
                    words.stdout.close()  # dieharder has it: when it ends, the words end too
                    yield from _dieharder_results(order, battery.stdout)
            if battery.returncode:
                raise RuntimeError(f"{' '.join(command)} failed with status {battery.returncode} on order {order}")


def _dieharder_results(order: str, lines: Iterable[str]) -> Iterator[Result]:
    for line in lines:
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 6 and fields[5] in ("PASSED", "WEAK", "FAILED"):
            yield order, f"{fields[0]} {fields[1]} {fields[5]}", float(fields[4]), fields[5] == "FAILED"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m amper_lab.studies.urng_statistics", description=__doc__)
    parser.add_argument("--battery", choices=("builtin", "dieharder"), default="builtin")
    parser.add_argument("--seed", type=int, default=1, help="seed of the two streams (default: 1)")
    parser.add_argument("--mebibytes", type=int, default=64, help="builtin: words of an order (default: 64)")
    parser.add_argument("--order", action="append", choices=ORDERS, help="of the words (default: all)")
    parser.add_argument("--quick", action="store_true", help="dieharder: without the tests that take minutes")
    options = parser.parse_args(arguments)
    if not 1 <= options.mebibytes <= 1024:
        parser.error(f"--mebibytes must be 1 to 1024, not {options.mebibytes}")
    try:
        return _report(options)
    except (FileNotFoundError, RuntimeError) as error:
        print(f"urng_statistics: error: {error}", file=sys.stderr)
        return 2


def _report(options: argparse.Namespace) -> int:
    orders = options.order or list(ORDERS)
    count = failures = 0
    with tempfile.TemporaryDirectory() as name:
        if options.battery == "builtin":
            results = builtin(Path(name), options.seed, orders, options.mebibytes)
        else:
            results = dieharder(Path(name), options.seed, orders, options.quick)
        for words, test, p, is_failure in results:
            print(f"{words:36} {test:40} {p:<12.6g}{'FAILED' if is_failure else ''}".rstrip(), flush=True)
            count += 1
            failures += is_failure
    print(f"{count} p-values, {failures} failed")
    return 1 if failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
