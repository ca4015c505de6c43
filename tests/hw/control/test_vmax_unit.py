"""The Vmax unit in simulation."""

import pytest
from configurations import table

from amper import AmperConfig
from amper_verif.harness import components

# The deeper the tree, the later the answers to its probes in a deep pipeline.
TREES = table("rows bank_rows fan_out", (1, 64, 8), (2, 2, 2), (7, 2, 2), (64, 16, 4))
KINDS = table(
    "pipeline variant priority_width search_ports write_ports",
    ("deep", "fr-dithered", 16, 1, 1),
    ("deep", "fr", 4, 2, 2),
    ("shallow", "k", 8, 1, 4),
    ("shallow", "fr-prefix", 4, 4, 1),
)


@pytest.mark.share(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tree", TREES)
def test_vmax_is_right_whenever_it_is_exact(simulate, tree, kind):
    config = AmperConfig(**tree, **kind)
    report = simulate(components.vmax_unit(config, stretches=30))
    assert report["compared"] > 300
    assert report["cleared"] > 0
    # With one row, every write touches the one that holds the maximum.
    assert (report["spared"] > 10) == (config.rows > 1)
    # The promised bound is kept, which the bench checks, and reached: the promise is not too long either.
    assert report["longest_settle"] == report["settle_cycles"]


@pytest.mark.long
def test_vmax_is_right_in_verilator(simulate):
    config = AmperConfig(rows=20, variant="fr-dithered", priority_width=8, bank_rows=4, fan_out=2, write_ports=2)
    assert simulate(components.vmax_unit(config, stretches=200), simulator="verilator")["compared"] > 2500
