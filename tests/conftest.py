"""Shared by all tests: simulations of components, and the functional coverage that they add up to."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from amper_verif.harness import coverage
from amper_verif.harness.components import Unit

BUILD = Path(__file__).parents[1] / "build/tests"

Simulate = Callable[..., dict[str, Any]]

gc.set_threshold(
    50_000, 20, 20
)  # Amaranth makes millions of objects that stay: looking at them takes a fifth of its time

# No time decides whether a test passes: a machine that does other things is as good as one that does not.
hypothesis.settings.register_profile("timeless", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("timeless")

_tables: list[coverage.Table] = []  # of this process; in the end, of all


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is long
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a product of parameters that is marked ``share(n)``, all but every n-th combination are long. Where another
    parameter has n values or more, each value of a parameter occurs.
    """
    for item in items:
        share = item.get_closest_marker("share") if isinstance(item, pytest.Function) else None
        if share and sum(places(item)) % share.args[0]:
            item.add_marker("long")


def places(item: pytest.Function) -> Iterator[int]:
    """Which value of each of its ``parametrize`` the test has, counted from 0."""
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
        given = [
            value.values if isinstance(value, type(pytest.param())) else tuple(value) if len(names) > 1 else (value,)
            for value in mark.args[1]
        ]
        yield given.index(tuple(item.callspec.params[name.strip()] for name in names))


@pytest.fixture(scope="session", autouse=True)
def logs_of_stable_baselines3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Without it, every training leaves a folder in the system's temporary one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SB3_LOGDIR", str(tmp_path_factory.mktemp("sb3")))
        yield


@pytest.fixture
def simulate() -> Simulate:
    """``simulate(unit, simulator="icarus", seed=1)``: run the unit's bench; its coverage goes into the summary."""

    def run(unit: Unit, *, simulator: str = "icarus", seed: int = 1) -> dict[str, Any]:
        report = unit.simulate(simulator=simulator, folder=BUILD, seed=seed)
        _tables.append(report["coverage"])
        return report

    return run


def pytest_sessionfinish(session: pytest.Session) -> None:
    # A worker of xdist hands its table to the process that shows the summary.
    if _tables and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["coverage"] = coverage.merged(_tables)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _tables.extend(filter(None, [getattr(node, "workeroutput", {}).get("coverage")]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _tables:
        return
    table = coverage.merged(_tables)
    coverage.save(table, BUILD / "coverage.json")
    terminalreporter.section("functional coverage of this run (docs/reference/coverage.md)")
    for line in coverage.lines(table):
        terminalreporter.write_line(line)
