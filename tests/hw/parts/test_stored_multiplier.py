"""The multiplier of stored multiples in simulation."""

import pytest

from amper_verif.harness import plane_components


@pytest.mark.parametrize(("digits_width", "operand_width"), [(3, 1), (14, 6), (32, 21)])
def test_products_are_exact_and_in_their_cycle(simulate, digits_width, operand_width):
    unit = plane_components.stored_multiplier(digits_width=digits_width, operand_width=operand_width)
    assert simulate(unit)["compared"] > 1000
