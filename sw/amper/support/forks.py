"""Locks that a fork waits for: in the child nobody would give back those that another thread holds."""

from __future__ import annotations

import os
import weakref
from contextlib import AbstractContextManager
from typing import Any

BUFFERS, SAMPLERS = range(2)  # who holds one of a buffer may take one of a sampler, and not the other way round

Lock = AbstractContextManager[Any]

_guarded: tuple[set[weakref.ref[Lock]], ...] = (set(), set())
_taken: list[Lock] = []


def guard(lock: Lock, order: int) -> None:
    """Have every fork hold the lock, so that parent and child see what it guards between two operations.

    ``lock`` is a context manager that can be referred to weakly; ``order`` is BUFFERS or SAMPLERS.
    """
    _guarded[order].add(weakref.ref(lock, _guarded[order].discard))


def _take_all() -> None:
    for locks in _guarded:
        seen: set[weakref.ref[Lock]] = set()
        # Other threads go on while one is waited for, and may have made more.
        while more := locks.copy() - seen:
            seen |= more
            for reference in more:
                lock = reference()
                if lock is not None:
                    lock.__enter__()
                    _taken.append(lock)


def _give_back() -> None:
    while _taken:
        _taken.pop().__exit__(None, None, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take_all, after_in_parent=_give_back, after_in_child=_give_back)
