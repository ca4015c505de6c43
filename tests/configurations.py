"""Configurations of tests, written as tables."""

from __future__ import annotations

from typing import Any

import pytest

from amper import AmperConfig


def table(names: str, *rows: tuple[Any, ...]) -> list[Any]:
    """For ``pytest.mark.parametrize``: a row each as settings by name; its values are its id."""
    return [pytest.param(dict(zip(names.split(), row, strict=True)), id="-".join(map(_shown, row))) for row in rows]


def _shown(value: Any) -> str:
    return "+".join(value) if isinstance(value, list) else str(value)


def config_of(*, variants: list[str], **settings: Any) -> AmperConfig:
    """With ``variants`` built in, of which the first is the active one."""
    return AmperConfig(variants=variants, variant=variants[0], **settings)
