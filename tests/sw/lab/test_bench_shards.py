"""`amper bench shards`: the simulation, where its answer is known without one."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from amper_cli.main import main
from amper_lab.bench import rivals, shards, split
from amper_lab.bench.shards import Costs, rate


def test_the_command(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(shards, "ROWS", 256)
    monkeypatch.setattr(shards, "ENGINE", "threads")  # no processes to be started
    monkeypatch.setattr(shards, "KINDS", {"small": shards.KINDS["small"]})
    assert main(["bench", "shards", "--repeats", "2", "-o", str(tmp_path)]) == 0
    assert re.search(r"\| small \| 4,096 \|( [\d,]+ \|){7}", capsys.readouterr().out)
    assert (tmp_path / "shards.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("costs", "shard_count", "rows", "seconds"),
    [
        (Costs((1e-3, 0, 0), (0, 0), 0, 0), 64, 512, 1e-3),  # the call alone: shards do not matter
        (Costs((0, 1e-4, 0), (0, 0), 0, 0), 16, 64, 16e-4),  # a request to each shard
        (Costs((0, 0, 0), (0, 0), 0, 1250), 4, 1000, 1e-3),  # the link: 10^6 rows a second
        (Costs((0, 0, 0), (0, 1e-6), 0, 0), 1, 1000, 1e-3),  # one shard's rows
    ],
)
def test_one_limit_at_a_time(costs, shard_count, rows, seconds):
    found = rate(costs, shard_count, rows, np.random.default_rng(1))
    assert found == pytest.approx(rows / (seconds + 2 * shards.LATENCY), rel=1e-6)


def test_a_call_waits_for_the_largest_share():
    """Two shards with 1,000 rows: the larger share is of 500 + 12.6 on average."""
    found = rate(Costs((0, 0, 0), (0, 1e-5), 0, 0), 2, 1000, np.random.default_rng(1), calls=4000)
    assert 1000 / found - 2 * shards.LATENCY == pytest.approx(512.6e-5, rel=2e-3)


def test_inserts_take_the_shards_time():
    """With s = 10^-6 a row and an insert of 8 s for 8 draws, half of a shard's time is left at the limit."""
    found = rate(Costs((0, 0, 0), (0, 1e-6), 8e-6, 0), 1, 10**6, np.random.default_rng(1))
    assert found == pytest.approx(0.5e6, rel=1e-3)


def test_rivals_take_turns(monkeypatch):
    """A row's cost is the processor time of its call; who cannot be had is named with the reason."""
    clock = [0.0]
    costs = {"cheap": 1e-6, "dear": 5e-6}

    @contextmanager
    def rival(name, kind):
        def call(rows):
            clock[0] += costs[name] * rows

        yield call

    made = {name: partial(rival, name) for name in costs}
    monkeypatch.setattr(rivals, "RIVALS", made | {"gone": partial(rivals.reverb)})
    monkeypatch.setattr(rivals, "processor_time", lambda: clock[0])
    monkeypatch.setitem(sys.modules, "reverb", None)
    told = rivals.markdown(*rivals.measure(3, lambda: None))
    assert "| cheap | 1.00 | 1.00 | 1.00 | 1.00 |\n| dear | 5.00 | 5.00 | 5.00 | 5.00 |" in told
    assert "\n\nNot measured: gone: import of reverb halted" in told


def test_a_rival_of_ours():
    with rivals.ours("threads", False, "small") as call:
        before = rivals.processor_time()
        call(64)
        assert rivals.processor_time() >= before > 0


def test_one_shard_and_two_take_turns(monkeypatch):
    """Two shards' calls cost twice as much and their rows a quarter more: told apart, with what passes by the clock."""
    processors, clock = [0.0], [0.0]

    @contextmanager
    def replay(engine, shared_rows, kind, shards):
        def call(rows):
            spent = shards * 1e-3 + rows * (1 + 0.25 * (shards - 1)) * 1e-6
            processors[0] += spent
            clock[0] += 3 * spent

        yield call

    monkeypatch.setattr(split, "ours", replay)
    monkeypatch.setattr(split, "processor_time", lambda: processors[0])
    monkeypatch.setattr(split, "perf_counter", lambda: clock[0])
    told = split.markdown({"small": split.measure("small", 2, lambda: None)})
    assert "| small | processors | 1 shard | 1,064 | 5,096 | 17,384 | 1.000 |" in told
    assert "| small | processors | 2 shards | 2,080 | 7,120 | 22,480 | 1.250 |" in told
    assert (
        "| two over one | 1.95 (1.95 to 1.95) | 1.40 (1.40 to 1.40) | 1.29 (1.29 to 1.29) | 1.25 (1.25 to 1.25) |"
        in told
    )
    assert "| small | clock | 2 shards | 6,240 | 21,360 | 67,440 | 3.750 |" in told


def test_the_command_of_one_shard_and_two(capsys, monkeypatch):
    monkeypatch.setattr(shards, "KINDS", {"small": shards.KINDS["small"]})
    monkeypatch.setattr(split, "ENGINE", "threads")  # no processes to be started
    monkeypatch.setattr(split, "CALLS", 1)
    assert main(["bench", "shards", "--split", "--repeats", "2"]) == 0
    assert (
        len(
            re.findall(r"\| small \| (processors|clock) \| (1 shard|2 shards|two over one) \|", capsys.readouterr().out)
        )
        == 6
    )


def test_processor_time_is_that_of_children_too():
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True); input()"
    before = rivals.processor_time()
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert rivals.processor_time() - before >= 0.5
        child.communicate(b"\n")
