"""Batches drawn ahead, by a thread, while the learner works on those before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

_LOOK = 0.1  # seconds between two looks whether it was closed
Ready = queue.Queue[dict[str, Any] | Exception]


class Prefetcher(Iterator[dict[str, Any]]):
    """Batches without end, up to ``ahead`` of them drawn before they are asked for; made by ``ReplayBuffer.prefetch``.

    What ``draw`` raises is raised by ``next``; then there is no more. Used by one thread, as a context manager or with
    ``close`` in the end; one that is forgotten ends by itself.
    """

    def __init__(self, draw: Callable[[], dict[str, Any]], ahead: int) -> None:
        self._ready: Ready = queue.Queue(ahead)
        self._closed = threading.Event()
        # Without this object, which would never be forgotten otherwise.
        arguments = (draw, self._ready, self._closed)
        self._thread = threading.Thread(target=_work, args=arguments, daemon=True, name="amper prefetch")
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

    def __del__(self) -> None:
        self._closed.set()


def _work(draw: Callable[[], dict[str, Any]], ready: Ready, closed: threading.Event) -> None:
    while not closed.is_set():
        try:
            found: dict[str, Any] | Exception = draw()
        except Exception as error:
            found = error
        _hand_over(found, ready, closed)
        if isinstance(found, Exception):
            return


def _hand_over(found: dict[str, Any] | Exception, ready: Ready, closed: threading.Event) -> None:
    while not closed.is_set():
        try:
            ready.put(found, timeout=_LOOK)
        except queue.Full:
            continue
        return
