"""The random generator against published words, and its jump against linear algebra over GF(2)."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from messages import exactly
from numpy.typing import NDArray

from amper import Xoroshiro128PlusPlus, streams
from amper_spec.urng import split_mix_64

# The same examples every time, however busy the machine.
STEADY = settings(deadline=None, derandomize=True)
WORD_MAX = 2**64 - 1
STATE_BITS = 128
word64 = st.integers(0, WORD_MAX)
state128 = st.tuples(word64, word64).filter(any)


def words(stream: Xoroshiro128PlusPlus, count: int) -> list[int]:
    return [stream.next() for _ in range(count)]


# --- published words --------------------------------------------------------------------------------


def test_xoroshiro_reference_words():
    """From the authors' xoroshiro128plusplus.c with s = {1, 2}."""
    assert words(Xoroshiro128PlusPlus(1, 2), 10) == [
        393217,
        669327710093319,
        1732421326133921491,
        11394790081659126983,
        9555452776773192676,
        3586421180005889563,
        1691397964866707553,
        10735626796753111697,
        15216282715349408991,
        14247243556711267923,
    ]


def test_split_mix_reference_words():
    """From the authors' splitmix64.c with x = 1234567."""
    assert split_mix_64(1234567, 5) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_split_mix_of_zero():
    """The first word of seed 0 that Java's SplittableRandom, the same generator, is known by."""
    assert split_mix_64(0, 1) == [0xE220A8397B1DCDAF]
    assert split_mix_64(0, 0) == []


@STEADY
@given(seed=word64)
def test_split_mix_states_are_consecutive(seed):
    """Words after the first are those of a seed that is one golden gamma further on."""
    assert split_mix_64(seed, 4)[1:] == split_mix_64((seed + 0x9E3779B97F4A7C15) % 2**64, 3)


def test_documented_words():
    """The words printed in docs/reference/algorithm.md."""
    query, draw = streams(1)
    assert [hex(word) for word in words(query, 2)] == ["0x8260b0f1b52fcac", "0x5d9320f71ce29ff1"]
    assert hex(draw.next()) == "0x76fe6a21538f48de"


# --- the generator as a linear map of its 128 bits of state -----------------------------------------


def to_bits(state: tuple[int, int]) -> NDArray[np.uint8]:
    """128 bits, bit 0 of s0 first."""
    return np.array([state[i // 64] >> (i % 64) & 1 for i in range(STATE_BITS)], dtype=np.uint8)


def from_bits(bits: NDArray[np.uint8]) -> tuple[int, int]:
    s0, s1 = (sum(int(bit) << place for place, bit in enumerate(half)) for half in (bits[:64], bits[64:]))
    return s0, s1


def multiply(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Product over GF(2)."""
    return a @ b & 1  # bytes wrap around at 256, which keeps the parity of a sum


def published_transition() -> NDArray[np.uint8]:
    """One step as a matrix, from the recurrence as published; no code of `amper_spec.urng` takes part.

    s0' = rotl(s0, 49) ^ (s0 ^ s1) ^ ((s0 ^ s1) << 21);  s1' = rotl(s0 ^ s1, 28).
    """
    matrix = np.zeros((STATE_BITS, STATE_BITS), dtype=np.uint8)
    for bit in range(64):
        matrix[bit, (bit - 49) % 64] ^= 1
        for source in (0, 64):
            matrix[bit, source + bit] ^= 1
            if bit >= 21:
                matrix[bit, source + bit - 21] ^= 1
            matrix[64 + bit, source + (bit - 28) % 64] ^= 1
    return matrix


@pytest.fixture(scope="module")
def squares():
    """Entry i takes 2^i steps, i = 0 to 128."""
    matrices = [published_transition()]
    for _ in range(STATE_BITS):
        matrices.append(multiply(matrices[-1], matrices[-1]))
    return matrices


@pytest.fixture(scope="module")
def jump_matrix(squares):
    return squares[64]


@STEADY
@given(state=state128)
@example(state=(1, 0))
@example(state=(0, 1))
@example(state=(WORD_MAX, WORD_MAX))
def test_one_step_is_the_published_linear_map(state):
    stream = Xoroshiro128PlusPlus(*state)
    stream.next()
    assert stream.state == from_bits(multiply(published_transition(), to_bits(state)))


@STEADY
@given(state=state128)
@example(state=(1, 2))
def test_jump_is_two_to_the_64_steps(jump_matrix, state):
    assert Xoroshiro128PlusPlus(*state).jumped().state == from_bits(multiply(jump_matrix, to_bits(state)))


def test_jump_of_every_unit_state(jump_matrix):
    """The jump is linear, so that 128 unit states settle every state."""
    for bit in range(STATE_BITS):
        unit = np.eye(1, STATE_BITS, bit, dtype=np.uint8)[0]
        jumped = Xoroshiro128PlusPlus(*from_bits(unit)).jumped()
        assert np.array_equal(to_bits(jumped.state), jump_matrix[:, bit])


def test_period_is_two_to_the_128_less_one(squares):
    """2^128 steps are one step, and 2^128 - 1 divided by any of its primes is not a whole turn."""
    assert np.array_equal(squares[STATE_BITS], squares[0])
    period = remaining = 2**STATE_BITS - 1
    start = to_bits((1, 0))
    # The period is the product of the Fermat numbers F0 to F6; these are their factors.
    for prime in (3, 5, 17, 257, 65537, 641, 6700417, 274177, 67280421310721):
        assert remaining % prime == 0
        remaining //= prime
        state = start
        for place in range(STATE_BITS):
            if period // prime >> place & 1:
                state = multiply(squares[place], state)
        assert not np.array_equal(state, start)
    assert remaining == 1


@STEADY
@given(state=state128)
def test_word_from_the_state(state):
    """The ++ scrambler with exact integers instead of masks: rotl(s0 + s1, 17) + s0."""
    s0, s1 = state
    total = f"{(s0 + s1) % 2**64:064b}"
    assert Xoroshiro128PlusPlus(s0, s1).next() == (int(total[17:] + total[:17], 2) + s0) % 2**64


# --- streams ----------------------------------------------------------------------------------------


@STEADY
@given(seed=word64)
@example(seed=0)
@example(seed=WORD_MAX)
def test_streams_of_a_seed(seed):
    query, draw = streams(seed)
    assert query.state == tuple(split_mix_64(seed, 2))
    assert draw.state == query.jumped().state
    assert query.state == Xoroshiro128PlusPlus.seeded(seed).state


def test_streams_do_not_share_state():
    """Reading one stream leaves the other, and a later pair of the same seed, alone."""
    query, draw = streams(5)
    before = draw.state
    first = words(query, 100)
    assert draw.state == before
    assert words(streams(5)[0], 100) == first


def test_jumped_leaves_its_own_stream_alone():
    stream = Xoroshiro128PlusPlus(1, 2)
    stream.jumped().next()
    assert stream.state == (1, 2)


@STEADY
@given(state=state128, steps=st.integers(0, 20))
def test_jumping_and_stepping_commute(state, steps):
    stepped = Xoroshiro128PlusPlus(*state)
    jumped = stepped.jumped()
    words(stepped, steps)
    words(jumped, steps)
    assert stepped.jumped().state == jumped.state


def test_neighbouring_seeds_share_no_word():
    seen = [word for seed in range(20) for stream in streams(seed) for word in words(stream, 50)]
    assert len(set(seen)) == len(seen) == 2000  # 2000 random words collide with a chance of 1e-13


@STEADY
@given(state=state128)
def test_state_restores_a_stream(state):
    stream = Xoroshiro128PlusPlus(*state)
    words(stream, 3)
    copy = Xoroshiro128PlusPlus(*stream.state)
    assert words(copy, 5) == words(stream, 5)


# --- errors -----------------------------------------------------------------------------------------


def test_state_of_zeros():
    message = "s0 and s1 must not both be 0: the generator would stay at 0"
    with pytest.raises(ValueError, match=exactly(message)):
        Xoroshiro128PlusPlus(0, 0)


@pytest.mark.parametrize("value", [-1, 2**64, -(2**64), 2**100])
@pytest.mark.parametrize("name", ["s0", "s1"])
def test_state_out_of_range(name, value):
    message = f"{name} must be a 64-bit word, 0 to 2^64 - 1, not {value}"
    with pytest.raises(ValueError, match=exactly(message)):
        Xoroshiro128PlusPlus(**{"s0": 1, "s1": 1, name: value})


@pytest.mark.parametrize("state", [(0, 1), (1, 0), (WORD_MAX, WORD_MAX)])
def test_states_at_the_ends(state):
    assert Xoroshiro128PlusPlus(*state).state == state
