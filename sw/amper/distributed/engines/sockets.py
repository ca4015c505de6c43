"""A shard's own socket on this machine: requests and answers go through it without a library in between."""

from __future__ import annotations

import secrets
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from multiprocessing.util import get_temp_dir
from typing import Any, NamedTuple

from amper.distributed.engines.engine import UNBOUNDED, Answer, Waiting
from amper.distributed.shard import Shard, ShardLostError

LOST = (EOFError, OSError, AuthenticationError)


class Address(NamedTuple):
    """Where a shard listens, and the secret that its users share."""

    path: str
    key: bytes


def new_address() -> Address:
    """One that nobody has yet.

    Linux has names that are no files, so that nothing is left of a process that is killed. Elsewhere it is a file in a
    folder that goes when this process ends by itself.
    """
    name = f"amper-{secrets.token_hex(16)}"
    path = f"\0{name}" if sys.platform == "linux" else f"{get_temp_dir()}/{name}"
    return Address(path, secrets.token_bytes(32))


def listening(address: Address) -> socket.socket:
    """A socket to which users can connect from now on."""
    found = socket.socket(socket.AF_UNIX)
    found.bind(address.path)
    found.listen(128)
    return found


def serve(shard: Shard, listener: socket.socket, key: bytes) -> None:
    """Answer all who connect and know the secret, for ever; each in a thread, where nobody waits for the others."""
    while True:
        try:
            connection = Connection(listener.accept()[0].detach())
        except OSError:
            continue  # somebody who has gone
        threading.Thread(target=_answer, args=(shard, connection, key), daemon=True).start()


def _answer(shard: Shard, connection: Connection, key: bytes) -> None:
    try:
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
        while True:
            name, arguments = connection.recv()
            try:
                answer: Any = shard.request(name, *arguments)
            except Exception as error:  # the caller raises it
                answer = error
            connection.send(answer)
    except LOST:
        connection.close()


class SocketChannel:
    """A connection of its own, opened at the first request; what is pickled is how it was made."""

    def __init__(self, address: Address, within: float | None) -> None:
        self._made = address, within
        self._connection: Connection | None = None
        self._answers: dict[int, Any] = {}  # come, and not waited for yet
        self._unbounded: set[int] = set()
        self._asked = self._read = 0
        self._is_lost = False  # perhaps in the midst of an answer

    def __getstate__(self) -> tuple[Address, float | None]:
        return self._made

    def __setstate__(self, made: tuple[Address, float | None]) -> None:
        self.__init__(*made)  # type: ignore[misc]  # nothing of the other process's connection

    def ask(self, name: str, *arguments: Any) -> Waiting:
        with self._lost_at_errors():
            if self._connection is None:
                self._connection = _connected(*self._made)
            self._connection.send((name, arguments))
        number = self._asked
        if name in UNBOUNDED:
            self._unbounded.add(number)
        self._asked += 1
        return lambda: self._answer(number)

    def _answer(self, number: int) -> Answer:
        """Answers come in the order of requests."""
        with self._lost_at_errors():
            while self._read <= number:
                self._answers[self._read] = self._next_answer()
                self._read += 1
        answer = self._answers.pop(number)
        if isinstance(answer, Exception):
            raise answer
        found: Answer = answer
        return found

    @contextmanager
    def _lost_at_errors(self) -> Iterator[None]:
        if self._is_lost:
            raise ShardLostError("a shard is gone, or was too slow")
        try:
            yield
        except LOST as error:
            self._is_lost = True
            raise ShardLostError(f"a shard is gone: {error!r}") from None

    def _next_answer(self) -> Any:
        """Raises TimeoutError : it does not begin, or does not go on, in time."""
        assert self._connection is not None
        within = self._made[1]
        if self._read in self._unbounded:
            self._unbounded.remove(self._read)
            self._connection.poll(None)
        elif within is not None and not self._connection.poll(within):
            raise TimeoutError(f"no answer within {within} s")
        return self._connection.recv()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connected(address: Address, within: float | None) -> Connection:
    """Raises one of ``LOST`` : nobody is there, or does not know the secret, or is too slow."""
    found = socket.socket(socket.AF_UNIX)
    if within is not None:  # not settimeout, by which reads and writes would not wait at all
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            found.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", int(within), int(within % 1 * 1e6)))
    try:
        found.connect(address.path)
    except OSError:
        found.close()
        raise
    connection = Connection(found.detach())
    try:
        answer_challenge(connection, address.key)
        deliver_challenge(connection, address.key)
    except LOST:
        connection.close()
        raise
    return connection
