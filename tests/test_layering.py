"""Import direction: model and hardware share only the configuration; nothing depends on what is outside."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {"amper": ROOT / "sw/amper", "amper_hw": ROOT / "hw/amper_hw"}

# What the hardware may know of the model's package: never the golden model that it is compared with.
SHARED_WITH_HARDWARE = ("amper.config", "amper.parameters")
# Packages that use the two above; the reverse is forbidden, even inside a function.
OUTER = ("amper_verif", "amper_cli", "amper_train", "amper_bench", "tests")
# Installing the model must need NumPy and nothing else.
MODEL_TOP_LEVEL = sys.stdlib_module_names | {"amper", "numpy"}
# Only who uses a library loads the adapter for it, which may therefore load the library.
ADAPTERS = {
    "amper/torchrl.py": {"torch", "torchrl"},
    "amper/tianshou.py": {"tianshou"},
    "amper/sb3.py": {"gymnasium", "stable_baselines3", "torch"},
}


def imports(source: str, package: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line, full dotted name and whether it runs when the module is loaded, for every import.

    ``from a import b`` gives ``a.b``, whether ``b`` is a module or not.
    """

    def walk(node: ast.AST, on_load: bool) -> Iterator[tuple[int, str, bool]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, on_load
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            for alias in node.names:
                yield node.lineno, ".".join([*base, *filter(None, [node.module]), alias.name]), on_load
        inside = on_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    return walk(ast.parse(source), True)


def within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def violations(source: str, package: str, libraries: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """Say what a module of ``package``, which may load ``libraries``, imports against the rules, "line: name" each."""
    top_level = package.partition(".")[0]
    found = []
    for line, name, on_load in imports(source, package):
        if top_level == "amper":
            allowed = MODEL_TOP_LEVEL | libraries
            forbidden = within(name, ("amper_hw",)) or (on_load and name.partition(".")[0] not in allowed)
        else:
            forbidden = within(name, ("amper",)) and not within(name, SHARED_WITH_HARDWARE)
        if forbidden or within(name, OUTER):
            found.append(f"{line}: {name}")
    return found


@pytest.mark.parametrize("package", SOURCES)
def test_package_obeys_the_import_direction(package):
    modules = sorted(SOURCES[package].rglob("*.py"))
    assert modules, f"no modules in {SOURCES[package]}"
    found = []
    for module in modules:
        relative = module.relative_to(SOURCES[package].parent)
        parent = ".".join(relative.parent.parts)
        libraries = ADAPTERS.get(relative.as_posix(), set())
        found += [f"{relative}:{each}" for each in violations(module.read_text("utf-8"), parent, libraries)]
    assert found == []


def test_an_adapter_loads_no_other_library():
    """Nor what the others may not load either."""
    source = "import torch\nimport torchrl.data\nimport tianshou\nimport amper_hw"
    assert violations(source, "amper", ADAPTERS["amper/torchrl.py"]) == ["3: tianshou", "4: amper_hw"]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_exists(adapter):
    assert (ROOT / "sw" / adapter).is_file()


def test_importing_the_model_loads_only_numpy_and_the_standard_library():
    # Modules without a file are left out: NumPy's compiled parts register a few of their own.
    program = """
import sys
before = set(sys.modules)
import amper
loaded = [name for name in set(sys.modules) - before if getattr(sys.modules[name], "__file__", None)]
print(*sorted({name.partition(".")[0] for name in loaded} - sys.stdlib_module_names))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["amper", "numpy"]


@pytest.mark.parametrize(
    ("package", "source", "found"),
    [
        ("amper", "import torch", ["1: torch"]),
        ("amper", "try:\n    import jinja2\nexcept ImportError:\n    pass", ["2: jinja2"]),
        ("amper", "class A:\n    from amaranth import hdl", ["2: amaranth.hdl"]),
        ("amper", "def f():\n    import amper_hw.bank", ["2: amper_hw.bank"]),
        ("amper", "from .. import tests", ["1: tests"]),
        ("amper", "def f():\n    from amper_verif import trace", ["2: amper_verif.trace"]),
        ("amper_hw", "from amper.golden import GoldenModel", ["1: amper.golden.GoldenModel"]),
        ("amper_hw", "from amper import config, golden", ["1: amper.golden"]),
        ("amper_hw", "import amper", ["1: amper"]),
        ("amper_hw", "async def f():\n    import amper_cli.main", ["2: amper_cli.main"]),
        ("amper_hw", "import tests", ["1: tests"]),
    ],
)
def test_checker_reports_a_violation(package, source, found):
    assert violations(source, package) == found


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("amper", "import json\nfrom numpy.typing import NDArray\nfrom amper.config import AmperConfig"),
        ("amper", "from . import urng\nfrom .config import AmperConfig"),
        ("amper.sub", "from ..config import AmperConfig"),
        ("amper", "def plot():\n    import matplotlib.pyplot"),
        ("amper_hw", "from amaranth.hdl import Signal\nfrom amper.config import X\nfrom .bits import y"),
    ],
)
def test_checker_accepts_what_is_allowed(package, source):
    assert violations(source, package) == []
