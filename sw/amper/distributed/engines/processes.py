"""Shards in processes of this machine, each of which answers over a local socket."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
from typing import Any

from amper.distributed.engines.engine import Channel
from amper.distributed.engines.sockets import LOST, Address, SocketChannel, listening, new_address, serve
from amper.distributed.shard import Shard, ShardLostError, ShardSpec

_PROGRAM = "from amper.distributed.engines.processes import run; run()"
_LOOK = 1.0  # seconds between two looks at whether the parent is there


class _Process(subprocess.Popen[bytes]):
    """One that ends when nobody knows it any more; what a fork of its maker does with it is nothing to it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._maker = os.getpid()
        super().__init__(*arguments, **options)

    def __del__(self) -> None:
        self.end(wait=False)
        super().__del__()

    def end(self, *, wait: bool = True) -> None:
        """By the signal that a process which was stopped takes, too."""
        if os.getpid() == self._maker and hasattr(self, "pid"):
            self.kill()
            if wait:
                self.wait()
        for name in ("stdin", "stdout"):
            if stream := getattr(self, name, None):
                stream.close()


class Processes:
    """A process a shard, which loads nothing but what a shard needs, and ends with this one."""

    def start(self, spec: ShardSpec) -> tuple[_Process, Address]:
        address = new_address()
        process = _Process(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((spec, address, os.getpid()), process.stdin)
            process.stdin.flush()  # and stays open: its end is that of this process
            answer = pickle.load(process.stdout)
        except LOST:
            process.end()
            raise ShardLostError("a shard ended while it started") from None
        if answer is not None:
            process.end()
            raise answer
        return process, address

    def channel(self, shard: tuple[_Process, Address], within: float | None) -> Channel:
        return SocketChannel(shard[1], within)

    def stop(self, shard: tuple[_Process, Address]) -> None:
        shard[0].end()


def run() -> None:
    """A shard's process: says on its standard output that it listens, or why not, and then answers all who connect."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    spec, address, parent = pickle.load(sys.stdin.buffer)
    try:
        shard, listener = Shard(spec), listening(address)
    except Exception as error:  # the caller raises it
        pickle.dump(error, answers)
        answers.flush()
        return
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    pickle.dump(None, answers)
    answers.flush()
    serve(shard, listener, address.key)


def _end_with(parent: int) -> None:
    """When the input ends, or with the parent, after which a fork of it may still hold the input open."""
    while os.getppid() == parent:
        if select.select([sys.stdin], [], [], _LOOK)[0]:
            break
    os._exit(0)
