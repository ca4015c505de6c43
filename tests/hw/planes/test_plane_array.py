"""Banks and trees of them in simulation, where only variant exact is built in."""

import pytest

from amper import AmperConfig
from amper_verif.harness import plane_components

# rows, bank_rows, fan_out, priority_width, pipeline, draw_ports, write_ports, result_priority, storage; in "LUT RAM",
# which is what blocks make of flip-flops, banks of less and of more than 64 rows, and codes of more than 16 bits
SIZES = [
    (1, 2, 2, 4, "deep", 1, 1, True, "flip-flops"),
    (1, 2, 2, 4, "shallow", 2, 1, True, "latches"),
    (7, 64, 8, 16, "shallow", 1, 1, True, "flip-flops"),
    (64, 64, 8, 16, "deep", 4, 4, True, "latches"),
    (100, 16, 4, 8, "deep", 2, 4, True, "flip-flops"),
    (100, 16, 2, 8, "shallow", 4, 2, True, "latches"),
    (257, 64, 8, 24, "deep", 1, 1, False, "flip-flops"),
    (33, 2, 2, 5, "deep", 8, 8, True, "flip-flops"),
    (1, 64, 8, 4, "deep", 1, 1, True, "LUT RAM"),
    (2, 2, 2, 8, "shallow", 2, 1, True, "LUT RAM"),
    (7, 64, 8, 16, "shallow", 1, 2, True, "LUT RAM"),
    (9, 4, 2, 24, "deep", 2, 4, True, "LUT RAM"),
    (64, 64, 8, 16, "deep", 4, 1, False, "LUT RAM"),
    (100, 16, 4, 32, "deep", 1, 1, True, "LUT RAM"),
    (150, 16, 2, 5, "shallow", 4, 4, True, "LUT RAM"),
    (257, 64, 8, 16, "deep", 1, 1, True, "LUT RAM"),
    (200, 128, 2, 24, "deep", 2, 2, True, "LUT RAM"),
]


def config_of(size):
    rows, bank_rows, fan_out, priority_width, pipeline, draw_ports, write_ports, result_priority, storage = size
    return AmperConfig(
        rows=rows,
        bank_rows=bank_rows,
        fan_out=fan_out,
        priority_width=priority_width,
        variant="exact",
        pipeline=pipeline,
        draw_ports=draw_ports,
        write_ports=write_ports,
        result_priority=result_priority,
        **({"primitives": "blocks"} if storage == "LUT RAM" else {"storage": storage}),
    )


@pytest.mark.share(2)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_every_answer_is_right_and_in_its_cycle(simulate, size):
    report = simulate(plane_components.plane_array(config_of(size)))
    assert report["compared"] > 300
    assert report["cleared"] > 3


@pytest.mark.long
@pytest.mark.parametrize("size", [SIZES[3], SIZES[-2]], ids=lambda size: "-".join(map(str, size)))
def test_every_answer_is_right_in_verilator(simulate, size):
    report = simulate(plane_components.plane_array(config_of(size), rounds=200), simulator="verilator")
    assert report["compared"] > 1000
