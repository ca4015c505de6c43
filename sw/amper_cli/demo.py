"""``amper demo``: the whole thing on recorded priorities."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo", help="generate, lint, verify on real priorities, and make a page of pictures"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Not written yet."""
    raise NotImplementedError
