"""Shards in processes of this machine, each of which answers over local sockets."""

from __future__ import annotations

import os
import pickle
import secrets
import subprocess
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, NamedTuple

from amper.distributed.engines.engine import Answer, Channel, Waiting
from amper.distributed.shard import Shard, ShardLostError, ShardSpec

_LOST = (EOFError, OSError)
_PROGRAM = "from amper.distributed.engines.processes import serve; serve()"


class Address(NamedTuple):
    """Where a shard listens, and the secret that its users share."""

    path: str
    key: bytes


class _Process(subprocess.Popen[bytes]):
    """One that ends when nobody knows it any more: else ``subprocess`` would keep it, and its input open."""

    def __del__(self) -> None:
        for name in ("stdin", "stdout"):
            if stream := getattr(self, name, None):
                stream.close()
        super().__del__()


class Processes:
    """A process a shard, which loads nothing but what a shard needs, and ends with this one."""

    def start(self, spec: ShardSpec) -> tuple[subprocess.Popen[bytes], Address]:
        key = secrets.token_bytes(32)
        process = _Process(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((spec, key), process.stdin)
            process.stdin.flush()  # and stays open: its end is that of this process
            answer = pickle.load(process.stdout)
        except _LOST:
            self.stop((process, Address("", key)))
            raise ShardLostError("a shard ended while it started") from None
        if isinstance(answer, Exception):
            self.stop((process, Address("", key)))
            raise answer
        return process, Address(answer, key)

    def channel(self, shard: tuple[subprocess.Popen[bytes], Address]) -> Channel:
        return SocketChannel(shard[1])

    def stop(self, shard: tuple[subprocess.Popen[bytes], Address]) -> None:
        process = shard[0]
        process.terminate()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


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


def serve() -> None:
    """A shard's process: tells on its standard output where it listens, and then answers all who connect."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    try:
        spec, key = pickle.load(sys.stdin.buffer)
        shard = Shard(spec)
        listener = Listener(family="AF_UNIX", authkey=key)
    except Exception as error:  # the caller raises it
        pickle.dump(error, answers)
        answers.flush()
        return
    pickle.dump(listener.address, answers)
    answers.flush()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            connection = listener.accept()
        except (*_LOST, AuthenticationError):
            continue  # somebody without the secret, or who has gone
        threading.Thread(target=_answer, args=(shard, connection), daemon=True).start()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


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
