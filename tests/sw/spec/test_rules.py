"""Rules of parameters, and what a declaration says of one."""

import random
from dataclasses import MISSING, dataclass, field

import pytest

from amper_spec.algorithm import Algorithm
from amper_spec.config import AmperConfig
from amper_spec.declare import Declared, declarations, declared, documented, word
from amper_spec.rules import Between, Choice, Integer, Names, Real, Switch, Text

DRAWN = [Integer(3, 5), Integer(2, 64, power_of_two=True), Choice(("a", "b")), Names(("a", "b", "c")), Switch()]


@pytest.mark.parametrize("rule", DRAWN, ids=repr)
def test_what_is_drawn_is_legal_and_all_of_it_comes_up(rule):
    chance = random.Random(1)
    drawn = [rule.draw(chance) for _ in range(500)]
    kept = {rule.check("x", value) for value in drawn}
    assert (
        kept
        == {
            "Integer": {3, 4, 5} if rule == DRAWN[0] else {2, 4, 8, 16, 32, 64},
            "Choice": {"a", "b"},
            "Names": {("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")},
            "Switch": {True, False},
        }[type(rule).__name__]
    )
    assert all(rule.read(word(value)) == value for value in drawn)


@pytest.mark.parametrize("rule", [Real("above 0"), Between(0.0, 1.0), Text()], ids=repr)
def test_nothing_is_drawn_where_there_is_no_natural_choice(rule):
    with pytest.raises(ValueError, match="nothing is drawn by chance"):
        rule.draw(random.Random(1))


@pytest.mark.parametrize(
    ("rule", "legal"),
    [
        (Integer(1, 1 << 20), "1 to 2^20"),
        (Integer(0, (1 << 64) - 1), "0 to 2^64 - 1"),
        (Integer(1, 4096), "1 to 4096"),
        (Integer(2, 64, power_of_two=True), "a power of two, 2 to 64"),
        (Between(1e-9, 1.0), "1e-09 to 1"),
        (Real("above 0"), "above 0"),
        (Choice(("a", "b")), "a, b"),
        (Names(("a", "b")), "of a, b"),
        (Switch(), "yes or no"),
    ],
)
def test_legal_values_in_words(rule, legal):
    assert rule.legal == legal


@documented
@dataclass(frozen=True, kw_only=True)
class Example(Declared):
    """Made up.

    Parameters
    ----------
    {parameters}
    """

    size: int = field(metadata=declared(Integer(1, 9), "N", "how many"))
    twice: int = field(
        default=None,
        metadata=declared(Integer(1, 18), "N", "2 sizes", derive=lambda made: 2 * made.size, default_text="2 N"),
    )
    share: float | None = field(default=None, metadata=declared(Between(0.0, 1.0), "X", "if any", after="size"))


def test_a_default_follows_and_none_is_kept_only_where_it_is_legal():
    assert Example(size=3) == Example(size=3, twice=6, share=None)
    assert Example(size=3, twice=5).twice == 5
    with pytest.raises(TypeError, match=r"\Asize must be an integer, not None\Z"):
        Example(size=None)
    with pytest.raises(ValueError, match=r"\Ashare must be 0 to 1, not 1.5\Z"):
        Example(size=3, share=1.5)
    with pytest.raises(ValueError, match=r"\Atwice must be 1 to 18, not 19\Z"):
        Example(size=3, twice=19)


def test_order_and_text():
    known = declarations(Example)
    assert list(known) == ["size", "share", "twice"]
    assert known["size"].default is MISSING
    assert known["size"].text == "how many (1 to 9)"
    assert known["share"].text == "if any (0 to 1)"
    assert known["twice"].text == "2 sizes (1 to 18; default 2 N)"
    assert known["share"].option == "--share"
    assert "    share : if any (0 to 1).\n" in Example.__doc__


def test_a_parameter_that_stands_behind_another_does_so_without_it_too():
    """``variants`` stands behind ``fan_out``, which the algorithm alone has not."""
    assert list(declarations(AmperConfig)).index("variants") == list(declarations(AmperConfig)).index("fan_out") + 1
    assert list(declarations(Algorithm))[-1] == "variants"
