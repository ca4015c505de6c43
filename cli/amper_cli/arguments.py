"""Kinds of arguments that argparse checks: a bad one is an error that names its option, before any work is done."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amper_spec.rules import read_names


def source(text: str) -> Path:
    """A file to read; whether it is there is found out when it is read, which is soon enough."""
    return _named("a file", text)


def target(text: str) -> Path:
    """A file to write, in a folder that is there."""
    path = _named("a file", text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file, and {text} is a folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must lie in an existing folder, and {path.parent} is none")
    _check_writable(path if path.exists() else path.parent)
    return path


def folder(text: str) -> Path:
    """A folder to write into, which need not be there yet."""
    path = _named("a folder", text)
    nearest = next(place for place in (path, *path.parents) if place.exists())
    if not nearest.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder, and {nearest} is a file")
    _check_writable(nearest)
    return path


def worded(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """``read``, whose ValueError argparse then shows as it is."""

    def reading(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return reading


names = worded(read_names)


class Different(argparse.Action):
    """Stores the list of an option that takes several values, each once."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        for value in values:
            if list(values).count(value) > 1:
                raise argparse.ArgumentError(self, f"each value must be given once, and {value} comes twice")
        setattr(namespace, self.dest, values)


def _named(what: str, text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError(f"must name {what}, not {text!r}")
    return Path(text)


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0)):
        raise argparse.ArgumentTypeError(f"must be where files can be written, and {path} is not")
