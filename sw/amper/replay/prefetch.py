"""Batches drawn ahead, by a thread, while the learner works on those before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

_LOOK = 0.1  # seconds between two looks whether it was closed


class Prefetcher(Iterator[dict[str, Any]]):
    """Batches without end, up to ``ahead`` of them drawn before they are asked for; made by ``ReplayBuffer.prefetch``.

    What ``draw`` raises is raised by ``next``; then there is no more. Used by one thread, as a context manager or with
    ``close`` in the end.
    """

    def __init__(self, draw: Callable[[], dict[str, Any]], ahead: int) -> None:
        self._draw = draw
        self._ready: queue.Queue[dict[str, Any] | Exception] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="amper prefetch")
        self._thread.start()

    def __next__(self) -> dict[str, Any]:
        if self._closed.is_set():
            raise StopIteration
        batch = self._ready.get()
        if isinstance(batch, Exception):
            self.close()
            raise batch
        return batch

    def close(self) -> None:
        """End the thread; what it has drawn is dropped."""
        self._closed.set()
        self._thread.join()

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                found: dict[str, Any] | Exception = self._draw()
            except Exception as error:
                found = error
            self._hand_over(found)
            if isinstance(found, Exception):
                return

    def _hand_over(self, found: dict[str, Any] | Exception) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(found, timeout=_LOOK)
            except queue.Full:
                continue
            return
