"""What verif/traces/README.md promises of the trace that the rest of the project replays."""

from pathlib import Path

import numpy as np
import pytest

from amper.operations.trace import Kind, Trace

KEPT = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"


@pytest.fixture(scope="module")
def kept() -> Trace:
    return Trace.load(KEPT)


def test_size(kept: Trace) -> None:
    assert len(kept) >= 20_000
    assert (kept.rows, kept.batch) == (2000, 64)
    assert kept.counts == {Kind.WRITE: 3512, Kind.DRAW: 408, Kind.UPDATE: 26_112}
    assert KEPT.stat().st_size < 2_000_000


def test_metadata(kept: Trace) -> None:
    assert kept.metadata["command"] == (
        "amper record --env CartPole-v1 --rows 2000 --batch 64 --seed 1 --output verif/traces/cartpole-2000.npz"
    )
    expected = {"env": "CartPole-v1", "alpha": 0.6, "eps": 1e-6, "seed": 1, "format_version": 1}
    assert {name: kept.metadata[name] for name in expected} == expected


def test_wraps_around(kept: Trace) -> None:
    """Writes fill the rows in order, then overwrite them in order; learning goes on meanwhile."""
    rows = kept.row[kept.kind == Kind.WRITE]
    np.testing.assert_array_equal(rows, np.arange(len(rows)) % 2000)
    full_at = np.flatnonzero(kept.kind == Kind.WRITE)[2000]
    assert np.count_nonzero(kept.kind[full_at:] == Kind.DRAW) >= 100


def test_draws_only_written_rows(kept: Trace) -> None:
    written = np.cumsum(kept.kind == Kind.WRITE)[kept.kind == Kind.DRAW]
    assert (kept.draws >= 0).all()
    assert (kept.draws < np.minimum(written, 2000)[:, np.newaxis]).all()


def test_updates_follow_their_draw(kept: Trace) -> None:
    drawn_at = np.flatnonzero(kept.kind == Kind.DRAW)
    updates = drawn_at[:, np.newaxis] + np.arange(1, 65)
    assert (kept.kind[updates] == Kind.UPDATE).all()
    np.testing.assert_array_equal(kept.row[updates], kept.draws)
    assert updates.size == kept.counts[Kind.UPDATE]


def test_writes_get_the_largest_priority_so_far(kept: Trace) -> None:
    largest = np.fmax.accumulate(np.append(np.float32(1), kept.priority))[:-1]
    writes = kept.kind == Kind.WRITE
    np.testing.assert_array_equal(kept.priority[writes], largest[writes])


def test_agent_learned(kept: Trace) -> None:
    """A random CartPole agent returns about 22."""
    returns = kept.metadata["episode_returns"]
    assert np.mean(returns[:10]) < 50
    assert np.mean(returns[-10:]) > 100
