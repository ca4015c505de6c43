"""The generated RTL as a shared library: built by Verilator on first use, and kept in the user's cache."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from tqdm import tqdm

from amper import VARIANTS, AmperConfig
from amper_hw.base.variants import has_candidates
from amper_hw.output.generate import TOP, generate, versions
from amper_spec.declare import declarations
from amper_spec.parameters import Parameter
from amper_spec.status import Status
from amper_verif.harness.simulators import SimulationError, require_simulator, simulator_environment

# Every library has the same names inside, which must not meet those of another. How much is optimised is said by
# simulator_environment: -O1 here would hold for what runs once, too.
_C_FLAGS = "-fPIC -fvisibility=hidden -fno-gnu-unique"
_OPTIONS = ["--cc", "--exe", "--build", "-O3", "-Wno-fatal", "--top-module", TOP, "--prefix", "Vamper"]
_LINK_FLAGS = "-shared -Wl,-Bsymbolic"

Build = Callable[[Callable[[], str], AmperConfig, Path], None]


def structure(config: AmperConfig) -> AmperConfig:
    """The configuration as far as it cannot be set at run time, with native ports: one library for every seed."""
    default = {name: each.default for name, each in declarations(AmperConfig).items() if each.changes != "build"}
    # Neither cells nor primitives change an index, and a simulation needs none of either.
    default |= {name: getattr(AmperConfig, name) for name in ("bus", "storage", "primitives", "memories")}
    return config.changed(**default | {"variant": config.variants[0]})


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/amper``, or ``~/.cache/amper``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "amper"


def rtl_library(config: AmperConfig) -> Path:
    """The shared library of a configuration's ``structure``; built, with a progress bar, unless the cache has it.

    Raises SimulationError : there is no Verilator or no C++ compiler, or they failed; the message has their words.
    """
    require_simulator("verilator")
    wanted = structure(config)
    key = library_key(wanted, _verilator_version(), _C_FLAGS, *_OPTIONS, _LINK_FLAGS)
    return cached_library(key, wanted, lambda: generate(wanted).verilog)


def cached_library(key: str, config: AmperConfig, verilog: Callable[[], str], build: Build | None = None) -> Path:
    """The library of this key, built of ``verilog()`` unless the cache has it; of several that want it, one builds.

    Parameters
    ----------
    build : how; None: ``build_library``.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"rtl-{key}.so"
    if target.exists():
        return target
    with (folder / f"rtl-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            (build or build_library)(verilog, config, target)
    return target


def library_key(config: AmperConfig, *tools: str) -> str:
    """A hash of all that a library is made of: the configuration, the generator, the shim, and what tools are told."""
    sha = hashlib.sha256()
    sha.update(json.dumps([config.to_dict(), versions(), platform.machine(), *tools]).encode())
    sha.update(_shim().encode())
    sha.update(_generator_digest())
    return sha.hexdigest()[:32]


@functools.cache
def _generator_digest() -> bytes:
    """Of the generator's sources, in place of the Verilog, which takes seconds to make."""
    sha = hashlib.sha256()
    for package in ("amper_hw", "amper_spec"):
        folder = Path(str(files(package)))
        for path in sorted(folder.rglob("*.py")):
            sha.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return sha.digest()


@functools.cache
def _verilator_version() -> str:
    return _run(["verilator", "--version"], Path.cwd()).strip()


def _shim() -> str:
    return (files("amper_verif") / "native" / "model.cpp").read_text(encoding="utf-8")


def model_source(config: AmperConfig) -> str:
    """The shim, with what it must know of the configuration."""
    numbers = {each.name: each.value for each in (Status.FALLBACK, *Parameter)}
    numbers |= {
        "ROW_WIDTH": config.row_width,
        "PRIORITY_WIDTH": config.priority_width,
        "WRITE_PORTS": config.write_ports,
        "DRAW_PORTS": config.draw_ports,
        "CANDIDATES": int(has_candidates(config)),
        "EXACT": VARIANTS.index("exact"),
    }
    # In the text and not on the command line: Verilator's own sources compile alike for all, and ccache keeps them.
    return "".join(f"#define AMPER_{name} {value}\n" for name, value in numbers.items()) + _shim()


def build_library(verilog: Callable[[], str], config: AmperConfig, target: Path) -> None:
    """Compile ``verilog()``, of the configuration, and put it in its place in one step."""
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    label = f"RTL of {config.rows} rows, built once"
    try:
        with tqdm(
            total=3, desc=label, unit="step", bar_format="{desc}: {n_fmt}/{total_fmt}{postfix} [{elapsed}]"
        ) as bar:
            bar.set_postfix_str("generating Verilog")
            (folder / f"{TOP}.v").write_text(verilog(), encoding="utf-8")
            (folder / "model.cpp").write_text(model_source(config), encoding="utf-8")
            bar.update()
            bar.set_postfix_str("compiling, up to minutes for thousands of rows")
            options = [*_OPTIONS, "-CFLAGS", _C_FLAGS, "-LDFLAGS", _LINK_FLAGS]
            _run(["verilator", *options, "-Mdir", "build", "-o", "amper.so", f"{TOP}.v", "model.cpp"], folder)
            bar.update()
            (folder / "build" / "amper.so").replace(target)
            bar.set_postfix_str(str(target))
            bar.update()
    finally:
        shutil.rmtree(folder)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=simulator_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulationError(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
