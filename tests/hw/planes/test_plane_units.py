"""The parts of the exact draw in simulation, each against a model of its own."""

import gc

import pytest

from amper import AmperConfig
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.planes.splitter import PlaneSplitter
from amper_verif.harness import plane_components

# rows, priority_width, batch, pipeline
SIZES = [
    (1, 4, 1, "deep"),
    (2, 5, 3, "shallow"),
    (7, 16, 64, "deep"),
    (64, 8, 20, "shallow"),
    (1000, 16, 64, "deep"),
    (1 << 20, 32, 4096, "deep"),  # TW = 52: a word has no 14 bits more
]


def config_of(rows, priority_width, batch, pipeline, **more):
    sizes = {"rows": rows, "priority_width": priority_width, "batch": batch, "pipeline": pipeline}
    return AmperConfig(variant="exact", **sizes, **more)


@pytest.mark.share(2)
@pytest.mark.parametrize("draws", ["independent", "stratified"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
def test_every_place_is_exact(simulate, size, draws):
    assert simulate(plane_components.place(config_of(*size, draws=draws)))["compared"] > 1000


@pytest.mark.share(2)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
@pytest.mark.parametrize("primitives", ["gates", "blocks"])
def test_every_plane_and_rank_is_right(simulate, size, primitives):
    config = config_of(*size, primitives=primitives)
    assert simulate(plane_components.plane_choice(config))["compared"] > 2000


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "-".join(map(str, size)))
@pytest.mark.parametrize("primitives", ["gates", "blocks"])
def test_the_census_is_that_of_all_changes(simulate, size, primitives):
    """In LUT RAM, which is what blocks make of the rows, it clears all planes after a clear or a reset."""
    report = simulate(plane_components.census(config_of(*size, primitives=primitives)))
    assert report["compared"] > 50
    assert report["censuses"] > 5
    assert report["broken_off"] > 50
    assert report["cleared"] > 5 or primitives == "gates"


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_lanes_keep_their_order(simulate, lanes):
    assert simulate(plane_components.plane_splitter(lanes=lanes, planes=16))["compared"] > 500


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_one_lane_cannot_be_split():
    with pytest.raises(ValueError, match=r"\Alanes must be at least 2, not 1\Z"):
        PlaneSplitter(lanes=1, plane_width=4)
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored


# rows, bank_rows, fan_out, and how it draws
DRAWING = [
    (1, 2, 8, {}),
    (7, 4, 2, {"draw_ports": 2, "draws": "stratified"}),
    (64, 64, 8, {"draw_ports": 4, "draws": "stratified", "result_priority": False}),
    (100, 16, 4, {"draw_ports": 4}),
    (257, 64, 8, {"draws": "stratified"}),
]


@pytest.mark.share(2)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize("place", range(len(DRAWING)))
def test_draws_are_the_golden_ones_and_in_their_cycle(simulate, place, pipeline):
    rows, bank_rows, fan_out, options = DRAWING[place]
    config = config_of(rows, 8, 20, pipeline, bank_rows=bank_rows, fan_out=fan_out, seed=rows, **options)
    report = simulate(plane_components.plane_draw_unit(config))
    assert report["compared"] >= 70
    assert report["timed"] >= 30
    assert (report["split"] > 0) == (config.draw_ports > 1)


# In pieces: one that is not full, one that is, three of them.
@pytest.mark.parametrize(("depth", "pieces"), [(2, False), (3, False), (12, False), (3, True), (17, True), (36, True)])
def test_a_queue_that_values_pass(simulate, depth, pieces):
    report = simulate(plane_components.passing_queue(width=9, depth=depth, pieces=pieces))
    assert report["compared"] > 1000
    assert report["full"] > 50


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_a_queue_of_one_has_no_register_to_pass_to():
    with pytest.raises(ValueError, match=r"\Adepth must be at least 2, not 1\Z"):
        PassingQueue(width=9, depth=1)
    gc.collect()


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_large_memory_in_both_simulators(simulate, simulator):
    config = config_of(1024, 16, 64, "deep")
    assert simulate(plane_components.plane_choice(config), simulator=simulator)["compared"] > 2000
    assert simulate(plane_components.census(config, cycles=15000), simulator=simulator)["censuses"] > 10
