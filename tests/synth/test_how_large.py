"""Area and time of both organisations over the rows: what the picture is made of."""

import json
import shutil
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_hw.base.latency import batch_cycles
from amper_spec.algorithm import TREE_FROM
from amper_synth import how_large

RESULTS = Path(__file__).parents[2] / "docs/measurements/results"


@pytest.fixture
def results(tmp_path):
    """The repository's, which a test may add to."""
    for path in (*RESULTS.glob("asic-*.json"), *RESULTS.glob("*ecp5*.json"), RESULTS / "software.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_a_step_takes_what_was_simulated():
    """`amper compare` simulated it: writes, then the batch that waits for them."""
    compared = json.loads((RESULTS / "compare.json").read_text(encoding="utf-8"))
    config = AmperConfig.from_dict(compared["config"])
    (alone,) = {each["cycles"] for each in compared["entries"] if each["part"] == "rtl" and each["pace"] == "alone"}
    assert alone <= how_large.step_cycles(config) <= alone + 2  # the most, and a census may begin during writes
    tree = AmperConfig(rows=1024, organisation="tree", primitives="blocks")
    assert how_large.step_cycles(tree) == 64 + 3 + batch_cycles(tree)


def test_from_where_auto_takes_it_the_tree_is_smaller():
    """In look-up tables between what was mapped; the macros alone, of which the logic is the smaller part."""
    sizes = {series.title: dict(series.points) for series in how_large.tables_of_fpga(RESULTS)}
    per_row = sizes["parallel"][1024] / 1024
    assert per_row * TREE_FROM > 1.5 * sizes["tree"][1024]
    areas = {series.title: dict(series.points) for series in how_large.areas(RESULTS)}
    assert areas["tree, RAM macros alone (estimated)"][TREE_FROM] < 0.8 * areas["parallel, flip-flops"][TREE_FROM]


def test_the_picture_is_of_what_is_there(results, capsys):
    assert how_large.main(["--results", str(results), "picture"]) == 0
    said = capsys.readouterr().out
    assert said == (RESULTS / "how-large.md").read_text(encoding="utf-8") + "\n"
    drawn = (results / "how-large.svg").read_bytes()
    for path in results.glob("*ecp5*tree*"):
        path.unlink()
    assert how_large.main(["--results", str(results), "picture"]) == 0
    assert "| n | parallel | tree |" in said
    assert "| n | parallel |\n" in capsys.readouterr().out
    assert (results / "how-large.svg").read_bytes() != drawn


def test_errors(tmp_path, capsys):
    assert how_large.main(["--results", str(tmp_path), "picture"]) == 2
    assert "software.json" in capsys.readouterr().err
    assert how_large.main(["cells", "--rows", "x", "--organisation", "tree"]) == 2
    assert "rows must be integers with commas between, not x" in capsys.readouterr().err
    arguments = ["cells", "--rows", "1", "--organisation", "tree", "-o", str(tmp_path)]
    assert how_large.main(arguments) == 2
    assert "rows must be at least 2" in capsys.readouterr().err


@pytest.mark.long  # Yosys for a device that it knows slowly
def test_cells_of_ultrascale(tmp_path):
    arguments = ["--results", str(tmp_path), "cells", "--rows", "8", "--organisation", "tree", "--target", "xcup"]
    assert how_large.main([*arguments, "-o", str(tmp_path / "build")]) == 0
    found = json.loads((tmp_path / "cells-xcup-tree-8.json").read_text(encoding="utf-8"))
    assert found["config"]["organisation"] == "tree"
    assert found["cells"]["lut"] > 100
    assert found["cells"]["register"] > 500
    assert found["cells"]["multiplier"] > 0
