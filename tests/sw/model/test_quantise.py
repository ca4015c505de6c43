"""Float priorities to codes: the page's formula in exact rational arithmetic, and what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from messages import exactly

from amper import AmperConfig, quantise

# The same examples every time, however busy the machine.
STEADY = settings(deadline=None, derandomize=True)
Q8 = AmperConfig(rows=1, priority_width=8)  # 16 codes per unit
priority = st.floats(0, allow_infinity=False, allow_nan=False)
width = st.integers(4, 32)


def page_code(value: float, scale: float, priority_width: int) -> int:
    """min(2^Q - 1, max(1, rint(p * priority_scale))), where the product is a float64."""
    product = value * scale
    if math.isinf(product):
        return 2**priority_width - 1
    exact = Fraction(product)
    whole = math.floor(exact)
    rest = exact - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2):
        whole += 1
    return min(2**priority_width - 1, max(1, whole))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.0, 1),
        (-0.0, 1),
        (5e-324, 1),
        (0.5 / 16, 1),  # 0.5 rounds to 0
        (1.0 / 16, 1),
        (1.5 / 16, 2),  # ties go to the even code
        (2.5 / 16, 2),
        (3.5 / 16, 4),
        (1.03125, 16),
        (1.09375, 18),
        (np.nextafter(2.5 / 16, 9), 3),
        (np.nextafter(2.5 / 16, 0), 2),
        (np.nextafter(3.5 / 16, 0), 3),
        (253.5 / 16, 254),
        (254.5 / 16, 254),
        (254.5001 / 16, 255),
        (255 / 16, 255),
        (255.5 / 16, 255),
        (16.0, 255),
        (1e300, 255),
        (1.7976931348623157e308, 255),
    ],
)
def test_codes(value, code):
    assert quantise(value, Q8) == code


@STEADY
@given(value=priority, scale=st.floats(1e-300, 1e300), q=width)
@example(value=1.7976931348623157e308, scale=1e300, q=32)
@example(value=1.7976931348623157e308, scale=1e-300, q=4)
@example(value=5e-324, scale=1e-300, q=4)
@example(value=1.0, scale=2.0**32 - 1, q=32)
@example(value=1.0, scale=2.0**32, q=32)
def test_the_formula_of_the_page(value, scale, q):
    config = AmperConfig(rows=1, priority_width=q, priority_scale=scale)
    assert int(quantise(value, config)) == page_code(value, scale, q)


@STEADY
@given(values=st.lists(priority, min_size=1, max_size=20), q=width)
def test_monotone_and_in_range(values, q):
    config = AmperConfig(rows=1, priority_width=q)
    codes = quantise(sorted(values), config)
    assert (np.diff(codes) >= 0).all()
    assert codes.min() >= 1
    assert codes.max() <= 2**q - 1


@STEADY
@given(code=st.integers(1, 2**32 - 1), scale_log2=st.integers(-40, 40))
def test_a_code_comes_back(code, scale_log2):
    config = AmperConfig(rows=1, priority_width=32, priority_scale=2.0**scale_log2)
    assert quantise(code / 2.0**scale_log2, config) == code


@pytest.mark.parametrize("q", range(4, 33))
def test_saturation_at_every_width(q):
    config = AmperConfig(rows=1, priority_width=q, priority_scale=1.0)
    top = 2**q - 1
    assert quantise([top - 1, top, top + 1, 2 * top, 1e300], config).tolist() == [top - 1, top, top, top, top]


@pytest.mark.parametrize("scale", [5e-324, 1.7976931348623157e308])
def test_extreme_scales(scale):
    """No overflow warning, which pytest would turn into an error."""
    config = AmperConfig(rows=1, priority_width=16, priority_scale=scale)
    values = [0.0, 5e-324, 1.0, 1.7976931348623157e308]
    assert quantise(values, config).tolist() == [page_code(value, scale, 16) for value in values]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3), (2, 0, 3), (1, 1, 1, 1)])
def test_shapes(shape):
    codes = quantise(np.ones(shape), Q8)
    assert codes.shape == shape
    assert codes.dtype == np.int64
    assert (codes == 16).all()


def test_input_is_not_changed():
    values = np.array([0.0, 1.0, 99.0])
    quantise(values, Q8)
    assert values.tolist() == [0.0, 1.0, 99.0]


def test_strided_and_reversed_input():
    values = np.arange(12.0).reshape(3, 4)
    assert quantise(values.T[::-1, ::2], Q8).tolist() == [[48, 176], [32, 160], [16, 144], [1, 128]]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.uint64])
def test_every_real_kind(kind):
    assert quantise(np.array([0, 1, 3, 100], dtype=kind), Q8).tolist() == [1, 16, 48, 255]


def test_float32_is_widened_before_it_is_scaled():
    """The product is a float64: in float32 this one would be rounded to an integer beforehand."""
    config = AmperConfig(rows=1, priority_width=32, priority_scale=1000003.0)
    value = np.float32(0.1)
    exact = page_code(float(value), 1000003.0, 32)
    large = np.float32(1677.7217)
    assert quantise(np.array([value, large]), config).tolist() == [
        exact,
        page_code(float(large), 1000003.0, 32),
    ]
    assert int(np.rint(large * np.float32(1000003.0))) != page_code(float(large), 1000003.0, 32)


@pytest.mark.parametrize("values", [1, 1.0, [1], (1.0,), np.float32(1)], ids=repr)
def test_numbers_and_sequences(values):
    assert quantise(values, Q8).ravel().tolist() == [16]


# --- refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1.0, -5e-324, math.nan, math.inf, -math.inf, -1e300])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_illegal_value(value, place):
    values = [1.0, 2.0, 3.0]
    values[place] = value
    with pytest.raises(ValueError, match=exactly(f"priorities must be finite and at least 0, not {value}")):
        quantise(values, Q8)


def test_first_illegal_value_is_named():
    with pytest.raises(ValueError, match=exactly("priorities must be finite and at least 0, not -2.0")):
        quantise([[1.0, -2.0], [math.nan, -3.0]], Q8)


def test_illegal_scalar_and_integer():
    for value in (-1, np.int8(-1), np.float32(-1)):
        with pytest.raises(ValueError, match=exactly("priorities must be finite and at least 0, not -1.0")):
            quantise(value, Q8)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("1", "<U1"),
        (["1.0"], "<U3"),
        (b"1", "|S1"),
        (1j, "complex128"),
        ([1, 2j], "complex128"),
        (True, "bool"),
        ([True, False], "bool"),
        (None, "object"),
        ([None, 1.0], "object"),
        ({}, "object"),
        (10**30, "object"),
        (np.array("2026-01-01", dtype="datetime64[D]"), "datetime64[D]"),
    ],
    ids=repr,
)
def test_illegal_kind(values, kind):
    with pytest.raises(TypeError, match=exactly(f"priorities must be real numbers, not {kind}")):
        quantise(values, Q8)


def test_ragged_lists():
    with pytest.raises(ValueError, match="inhomogeneous shape"):
        quantise([[1.0], [1.0, 2.0]], Q8)
