"""Shards in processes of this machine, each of which answers over local sockets."""

from __future__ import annotations

import multiprocessing
import pickle
import secrets
import threading
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from amper.distributed.engines.engine import Answer, Channel, Waiting
from amper.distributed.shard import Shard, ShardLostError, ShardSpec

_LOST = (EOFError, OSError)
_START = 60.0  # seconds for a process to come up


class Address(NamedTuple):
    """Where a shard listens, and the secret that its users share."""

    path: str
    key: bytes


class Processes:
    """A process a shard, started afresh (spawn), so that no thread of this one is copied."""

    def start(self, spec: ShardSpec) -> tuple[BaseProcess, Address]:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        key = secrets.token_bytes(32)
        process = context.Process(target=_serve, args=(pickle.dumps(spec), key, there), daemon=True)
        process.start()
        there.close()
        try:
            if not here.poll(_START):
                raise ShardLostError(f"a shard did not start within {_START:g} seconds")
            answer = here.recv()
        except _LOST:
            raise ShardLostError("a shard ended while it started") from None
        finally:
            here.close()
        if isinstance(answer, Exception):
            process.join()
            raise answer
        return process, Address(answer, key)

    def channel(self, shard: tuple[BaseProcess, Address]) -> Channel:
        return SocketChannel(shard[1])

    def stop(self, shard: tuple[BaseProcess, Address]) -> None:
        shard[0].terminate()
        shard[0].join()


class SocketChannel:
    """A connection of its own, opened at the first request; what is pickled is the address."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._answers: dict[int, Any] = {}  # come, and not waited for yet
        self._asked = self._read = 0

    def __getstate__(self) -> Address:
        return self._address

    def __setstate__(self, address: Address) -> None:
        self.__init__(address)  # type: ignore[misc]  # nothing of the other process's connection

    def ask(self, name: str, *arguments: Any) -> Waiting:
        try:
            if self._connection is None:
                self._connection = Client(self._address.path, authkey=self._address.key)
            self._connection.send((name, arguments))
        except _LOST as error:
            raise ShardLostError(f"a shard is gone: {error!r}") from None
        number = self._asked
        self._asked += 1
        return lambda: self._answer(number)

    def _answer(self, number: int) -> Answer:
        """Answers come in the order of requests."""
        assert self._connection is not None
        try:
            while self._read <= number:
                self._answers[self._read] = self._connection.recv()
                self._read += 1
        except _LOST as error:
            raise ShardLostError(f"a shard is gone: {error!r}") from None
        answer = self._answers.pop(number)
        if isinstance(answer, Exception):
            raise answer
        found: Answer = answer
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _serve(spec: bytes, key: bytes, started: Connection) -> None:
    """A shard's process: tells where it listens, and then answers all who connect, until it is ended."""
    try:
        shard = Shard(pickle.loads(spec))
        listener = Listener(family="AF_UNIX", authkey=key)
    except Exception as error:  # the caller raises it
        started.send(error)
        return
    started.send(listener.address)
    started.close()
    while True:
        try:
            connection = listener.accept()
        except (*_LOST, multiprocessing.AuthenticationError):
            continue  # somebody without the secret, or who has gone
        threading.Thread(target=_answer, args=(shard, connection), daemon=True).start()


def _answer(shard: Shard, connection: Connection) -> None:
    try:
        while True:
            name, arguments = connection.recv()
            try:
                answer: Any = shard.request(name, *arguments)
            except Exception as error:  # the caller raises it
                answer = error
            connection.send(answer)
    except _LOST:
        connection.close()
