"""The compiled core under the compiler's sanitizers: builds it with them, and runs its tests, or any program, on that.

python -m amper_verif.signoff.sanitize address,undefined -m pytest -n0 tests/sw/sampler
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import amper
from amper_spec.errors import ToolError

#: Sanitizers that can be in one program, and the library that has to be loaded first of all.
KINDS = {"address,undefined": "libasan.so", "thread": "libtsan.so"}
CORE = "amper.cores._core"

#: Functions whose races are meant, and why.
MEANT = {
    "gather_rows": "a long batch's rows are read without the lock; those stored meanwhile are then put right (mend)"
}

# Python runs it at its start: whoever imports the core gets the sanitized one.
_SITE = """\
import sys
from importlib.util import spec_from_file_location


class Finder:
    def find_spec(self, name, path=None, target=None):
        return spec_from_file_location(name, {core!r}) if name == {name!r} else None


sys.meta_path.insert(0, Finder())
"""


class SanitizeError(ToolError):
    """There is no checkout, no compiler or no sanitizer; the message says which, with the compiler's words."""


@dataclass(frozen=True)
class Sanitized:
    """A run: its exit code, the end of what it printed, and what the sanitizers reported."""

    code: int
    said: str
    reports: str

    @property
    def passed(self) -> bool:
        """Whether it ended well and nothing was reported."""
        return self.code == 0 and not self.reports


def checkout() -> Path:
    """The folder with ``setup.py`` and the tests. SanitizeError : amper is installed without."""
    root = Path(amper.__file__).resolve().parents[2]
    if not (root / "setup.py").exists():
        raise SanitizeError(f"the sanitizers need a checkout of the sources, and {root} is none")
    return root


def build(kind: str, folder: Path) -> Path:
    """The core built with ``kind`` of KINDS, in ``folder``.

    Raises
    ------
    ValueError : no such kind. SanitizeError : see there.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {' or '.join(KINDS)}, not {kind!r}")
    target = (folder / kind.replace(",", "-")).resolve()
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(target)]
    command += ["--build-temp", str(target / "objects")]
    environment = os.environ | {"AMPER_SANITIZE": kind}
    done = subprocess.run(command, cwd=checkout(), env=environment, capture_output=True, text=True, check=False)
    found = list(target.rglob("_core.*.so"))
    if done.returncode or not found:
        raise SanitizeError(f"the core does not build with -fsanitize={kind}: {(done.stdout + done.stderr)[-1500:]}")
    return found[0]


def run(kind: str, core: Path, arguments: Sequence[str], folder: Path) -> Sanitized:
    """Python with ``arguments``, in the checkout, on that ``core``; reports are left in ``folder``."""
    site = (folder / f"site-{kind.replace(chr(44), chr(45))}").resolve()  # options must have no comma
    site.mkdir(parents=True, exist_ok=True)
    (site / "sitecustomize.py").write_text(_SITE.format(core=str(core), name=CORE), encoding="utf-8")
    for old in site.glob("report.*"):
        old.unlink()
    (site / "meant").write_text("".join(f"race:{name}\n" for name in MEANT), encoding="utf-8")
    options = f"log_path={site / 'report'}:"
    environment = os.environ | {
        "LD_PRELOAD": _library(KINDS[kind]),
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "PYTHONMALLOC": "malloc",  # Python's own pools hide what lies behind a block's end
        "ASAN_OPTIONS": f"{options}detect_leaks=0:allocator_may_return_null=1",  # Python leaves things at its end
        "UBSAN_OPTIONS": f"{options}print_stacktrace=1",
        "TSAN_OPTIONS": f"{options}suppressions={site / 'meant'}:print_suppressions=0",
    }
    # The thread sanitizer's places in memory must be free, which a random layout does not promise.
    prefix = ["setarch", platform.machine(), "-R"] if kind == "thread" else []
    command = [*prefix, sys.executable, *arguments]
    done = subprocess.run(command, cwd=checkout(), env=environment, capture_output=True, text=True, check=False)
    reports = "\n".join(path.read_text("utf-8", errors="replace") for path in sorted(site.glob("report.*")))
    return Sanitized(done.returncode, (done.stdout + done.stderr)[-4000:], reports)


def _library(name: str) -> str:
    compiler = os.environ.get("CC", "cc").split()
    done = subprocess.run([*compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    if not Path(path).is_absolute():
        raise SanitizeError(f"{' '.join(compiler)} has no {name}")
    return path


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 where the program failed or a sanitizer reported something."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.signoff.sanitize", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("program", nargs=argparse.REMAINDER, help="arguments for Python")
    options = parser.parse_args(arguments)
    folder = Path("build/sanitize")
    try:
        found = run(options.kind, build(options.kind, folder), options.program, folder)
    except ToolError as error:
        print(f"sanitize: error: {error}", file=sys.stderr)
        return 2
    print(found.said, found.reports, sep="\n")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
