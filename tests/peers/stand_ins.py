"""A plugin of pytest: a library's own tests, with our classes in place of its own; ``run.py`` starts it.

It must be imported before the tests are, so that `from library import Buffer` finds ours.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any

import pytest
from suites import SUITES

SUITE = SUITES[os.environ["AMPER_SUITE"]]
RESULT = os.environ["AMPER_SUITE_RESULT"]  # the file for the outcomes


_theirs: list[tuple[Any, str, Any]] = []  # module, name, and what it was


def pytest_configure(config: pytest.Config) -> None:
    ours = {place: _found(ours) for place, ours in SUITE.stand_ins.items()}  # imported before anything changes
    for place, stand_in in ours.items():
        module, name = place.split(":")
        _theirs.append((import_module(module), name, _found(place)))
        setattr(import_module(module), name, stand_in)


def pytest_collection_finish() -> None:
    """The tests have our classes; the library gets its own back, which it may need as bases."""
    for module, name, value in _theirs if not SUITE.stays else []:
        setattr(module, name, value)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What cannot pass is run all the same, and must fail."""
    for item in items:
        for name, reason in SUITE.excluded.items():
            if name in item.name:
                item.add_marker(pytest.mark.xfail(strict=True, reason=reason))


_outcomes: dict[str, tuple[str, str]] = {}  # by test: what became of it, and why


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _outcomes[report.nodeid] = "failed", str(report.longrepr).strip().splitlines()[-1]
    elif hasattr(report, "wasxfail"):
        _outcomes[report.nodeid] = "excluded", report.wasxfail
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _outcomes[report.nodeid] = "skipped", why.removeprefix("Skipped: ")
    elif report.when == "call":
        _outcomes[report.nodeid] = "passed", ""


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _outcomes[report.nodeid] = "failed", str(report.longrepr).strip().splitlines()[-1]


def pytest_sessionfinish() -> None:
    with open(RESULT, "w", encoding="utf-8") as file:  # noqa: PTH123  # the library may have changed pathlib
        json.dump(_outcomes, file)


def _found(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
