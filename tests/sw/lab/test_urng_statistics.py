"""Quick statistical tests of the two random streams; the long ones are in docs/reference/urng.md.

Seeds are fixed, so a run always gives the same verdict. Were the seeds or the code changed, a good generator
would fail one p-value with probability 2e-5 (`THRESHOLD`, at both ends), any of the 145 below with 3e-3.
"""

import re
import stat
from functools import cache

import numpy as np
import pytest

from amper import streams
from amper_lab.studies import urng_statistics
from amper_lab.studies.urng_statistics import ORDERS, WordSource, main, python_words
from amper_lab.studies.urng_tests import PAIR_TESTS, STREAM_TESTS, THRESHOLD, failed

COUNT = 1 << 17  # words of one stream: 1 MiB
SEEDS = (0, 1, 2, 2**64 - 1)
NEIGHBOURS = ((0, 1), (1, 2), (2**64 - 1, 0))


@cache
def words(order, seed):
    return python_words(order, seed, COUNT)


def short_lfsr(seed):
    """A deliberately bad generator: x^16 + x^15 + x^13 + x^4 + 1, 64 shifts a word, period 65,535 words."""
    state, made = seed, np.empty(2**16 - 1, dtype=np.uint64)
    for place in range(len(made)):
        word = 0
        for _ in range(64):
            word = word << 1 | state & 1
            state = state << 1 & 0xFFFF | (state & 0b1101000000001000).bit_count() & 1
        made[place] = word
    assert state == seed
    return np.resize(made, COUNT)


# --- the streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", STREAM_TESTS.values(), ids=STREAM_TESTS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", ["query", "draw"])
def test_stream(order, seed, test):
    p = test(words(order, seed))
    assert THRESHOLD <= p <= 1 - THRESHOLD


@pytest.mark.parametrize("test", PAIR_TESTS.values(), ids=PAIR_TESTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_query_against_draw(seed, test):
    p = test(words("query", seed), words("draw", seed))
    assert THRESHOLD <= p <= 1 - THRESHOLD


@pytest.mark.parametrize("test", PAIR_TESTS.values(), ids=PAIR_TESTS)
@pytest.mark.parametrize(("seed", "neighbour"), NEIGHBOURS)
@pytest.mark.parametrize(("order", "other"), [("query", "query"), ("draw", "draw"), ("query", "draw")])
def test_neighbouring_seeds(order, other, seed, neighbour, test):
    p = test(words(order, seed), words(other, neighbour))
    assert THRESHOLD <= p <= 1 - THRESHOLD


# --- the tests themselves ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bad_words():
    """Two streams of the bad generator, of neighbouring seeds."""
    return short_lfsr(1), short_lfsr(2)


@pytest.mark.parametrize("test", STREAM_TESTS.values(), ids=STREAM_TESTS)
def test_bad_stream_is_caught(bad_words, test):
    assert failed(test(bad_words[0]))


@pytest.mark.parametrize("test", PAIR_TESTS.values(), ids=PAIR_TESTS)
def test_bad_pair_is_caught(bad_words, test):
    assert failed(test(*bad_words))


def test_why_not_the_plus_variant():
    """xoroshiro128+ gives s0 + s1, one addition less, but its bit 0 is a linear recurrence of 128 bits."""
    stream = streams(1)[0]
    made = np.empty(COUNT, dtype=np.uint64)
    for place in range(COUNT):
        made[place] = sum(stream.state) % 2**64
        stream.next()
    assert failed(STREAM_TESTS["low_bit_complexity"](made))
    assert not failed(STREAM_TESTS["high_bit_complexity"](made))


@pytest.mark.parametrize("test", PAIR_TESTS.values(), ids=PAIR_TESTS)
def test_a_stream_depends_on_itself(test):
    assert failed(test(words("query", 1), words("query", 1)))


@pytest.mark.parametrize("name", [*STREAM_TESTS, *PAIR_TESTS])
def test_p_values_of_ideal_words_are_spread_over_0_to_1(name):
    """Wrong degrees of freedom or class probabilities would pull them to one end.

    The mean of 40 uniform numbers is 0.5 with a deviation of 0.046: this fails a right test once in 1e7.
    """
    ideal = np.random.default_rng(17)
    wanted = 1 if name in STREAM_TESTS else 2
    test = {**STREAM_TESTS, **PAIR_TESTS}[name]
    samples = ideal.integers(0, 2**64 - 1, (40, wanted, 1 << 15), dtype=np.uint64, endpoint=True)
    values = [test(*sample) for sample in samples]
    assert abs(np.mean(values) - 0.5) < 0.25
    assert np.std(values) > 0.15  # 0.289 for uniform numbers
    assert not any(failed(p) for p in values)


def test_failure_is_at_both_ends_and_not_a_number():
    values = [0.0, 0.9e-5, 1.1e-5, 0.5, 1 - 1.1e-5, 1 - 0.9e-5, 1.0, float("nan")]
    assert [failed(p) for p in values] == [True, True, False, False, False, True, True, True]


# --- the program that makes the words ---------------------------------------------------------------


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return WordSource(tmp_path_factory.mktemp("words"), 1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [1, 7, 8191, 8192, 8193, 20000])
def test_program_writes_the_words_of_the_model(source, order, count):
    """Counts around the 8192 words of the program's buffer."""
    assert np.array_equal(source.read(order, count), python_words(order, 1, count))


def test_orders_by_hand():
    query, draw = streams(1)
    a, b, c = (query.next() for _ in range(3))
    d = draw.next()
    assert python_words("query", 1, 3).tolist() == [a, b, c]
    assert python_words("draw", 1, 1).tolist() == [d]
    assert python_words("interleaved", 1, 3).tolist() == [a, d, b]
    assert python_words("reversed", 1, 1).tolist() == [sum((a >> i & 1) << 63 - i for i in range(64))]
    assert python_words("low32", 1, 1).tolist() == [(a % 2**32) + (b % 2**32 << 32)]


def test_program_that_differs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(urng_statistics, "python_words", lambda order, seed, count: words("query", 2)[:count])
    message = "urng_words.c and amper.streams differ in order query of seed 1"
    with pytest.raises(RuntimeError, match=rf"\A{re.escape(message)}\Z"):
        WordSource(tmp_path, 1)


# --- the command ------------------------------------------------------------------------------------


def test_command_builtin(capsys):
    assert main(["--mebibytes", "1", "--order", "low32", "--seed", str(2**64 - 1)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "40 p-values, 0 failed"
    assert len(lines) == 41
    assert [line.split()[1] for line in lines[:10]] == list(STREAM_TESTS)
    assert all(float(line.split()[-1]) > THRESHOLD for line in lines[:-1])


def test_command_reports_a_failure(capsys, monkeypatch):
    monkeypatch.setattr(urng_statistics, "STREAM_TESTS", {"rigged": lambda words: 0.0})
    monkeypatch.setattr(urng_statistics, "PAIR_TESTS", {})
    assert main(["--mebibytes", "1", "--order", "draw", "--order", "query"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert [line.split() for line in out] == [
        ["draw", "rigged", "0", "FAILED"],
        ["query", "rigged", "0", "FAILED"],
        ["2", "p-values,", "2", "failed"],
    ]


@pytest.mark.parametrize("mebibytes", ["0", "1025", "-1"])
def test_command_size(capsys, mebibytes):
    with pytest.raises(SystemExit, match="2"):
        main(["--mebibytes", mebibytes])
    assert f"error: --mebibytes must be 1 to 1024, not {mebibytes}\n" in capsys.readouterr().err


@pytest.fixture
def fake_dieharder(tmp_path, monkeypatch):
    """Put a program on the path that takes some words and prints ``table``."""

    def install(table, status=0):
        program = tmp_path / "dieharder"
        program.write_text(f"#!/bin/sh\nhead -c 4096 >/dev/null\ncat <<'END'\n{table}END\nexit {status}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return install


TABLE = """\
#=============================================================================#
   rng_name    |rands/second|   Seed   |
stdin_input_raw|  4.78e+07  | 166555559|
        test_name   |ntup| tsamples |psamples|  p-value |Assessment
   diehard_birthdays|   0|       100|     100|0.93556283|  PASSED
    diehard_rank_6x8|   0|    100000|     100|0.99777277|   WEAK
"""


def test_command_dieharder(capsys, fake_dieharder):
    """A weak p-value is printed as such and is no failure: 1 in 100 is weak."""
    fake_dieharder(TABLE)
    assert main(["--battery", "dieharder", "--order", "query"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["query", "diehard_birthdays", "0", "PASSED", "0.935563"],
        ["query", "diehard_rank_6x8", "0", "WEAK", "0.997773"],
        ["2", "p-values,", "0", "failed"],
    ]


def test_command_dieharder_failure(capsys, fake_dieharder):
    fake_dieharder(TABLE + "         sts_monobit|   1|    100000|     100|0.00000000|  FAILED\n")
    assert main(["--battery", "dieharder", "--order", "query", "--quick"]) == 1
    tests = len(urng_statistics.DIEHARDER_QUICK)
    assert capsys.readouterr().out.splitlines()[-1] == f"{3 * tests} p-values, {tests} failed"


def test_command_without_a_result(capsys, fake_dieharder):
    fake_dieharder("")
    assert main(["--battery", "dieharder", "--order", "query"]) == 1
    assert capsys.readouterr().out == "0 p-values, 0 failed\n"


def test_command_dieharder_breaks_down(capsys, fake_dieharder):
    fake_dieharder(TABLE, status=3)
    assert main(["--battery", "dieharder", "--order", "draw"]) == 2
    assert capsys.readouterr().err == (
        "urng_statistics: error: dieharder -g 200 -a failed with status 3 on order draw\n"
    )


def test_command_without_dieharder(capsys, monkeypatch):
    monkeypatch.setattr(urng_statistics.shutil, "which", lambda name: None)
    assert main(["--battery", "dieharder"]) == 2
    assert capsys.readouterr().err == (
        "urng_statistics: error: dieharder is not installed: on Debian or Ubuntu, apt-get install dieharder\n"
    )
