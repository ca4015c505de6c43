"""The table of measured cycles: what is measured, what is written, and what is in the documentation."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.base import latency
from amper_verif import cycle_table
from amper_verif.cycle_table import Measurement, page

DOCUMENT = Path(__file__).parents[2] / "docs/measurements/cycles.md"
CONFIG = AmperConfig(rows=64, groups=20, batch=64, variant="fr-dithered", search_ports=4, draw_ports=4)
ALONE = latency.batch_cycles(CONFIG)
SMALL = ("--rows", "9", "--groups", "3", "--batch", "4", "--ports", "2", "--sim", "icarus")


def rows_of(text):
    """The cells of the lines below the table's head."""
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def config_of(cells):
    """Of a line of the table."""
    rows, organisation, pipeline, searches, draws, variants, groups, batch, *_ = cells
    exact = variants == "exact"
    return AmperConfig(
        rows=int(rows),
        batch=int(batch),
        variant=variants.split(", ")[0],
        draws="stratified" if exact and int(draws) > 1 else "independent",
        draw_ports=int(draws),
        pipeline=pipeline,
        organisation=organisation,
        **{} if exact else {"groups": int(groups), "search_ports": int(searches)},
    )


def measured(**changes):
    return Measurement(**{"config": CONFIG, "one_row": ALONE, "all_rows": ALONE, "steady": 20.04} | changes)


def test_bound_and_formula():
    one = measured()
    assert (one.bound, one.formula, one.agrees) == (5 + 16, ALONE, True)
    assert not measured(one_row=ALONE + 1).agrees
    assert not measured(all_rows=ALONE - 1).agrees
    assert measured(config=replace(CONFIG, groups=7, batch=1)).bound == 2 + 1


def test_bound_of_exact():
    exact = replace(CONFIG, variant="exact", variants=("exact",))
    assert measured(config=exact).bound == 16
    assert measured(config=replace(exact, batch=7)).bound == 2


def test_page():
    """Variants with the same cycles share a line; k has no c, and exact neither m nor P."""
    nearest = replace(CONFIG, variant="k", variants=("k",))
    exact = replace(CONFIG, variant="exact", variants=("exact",))
    k, e = latency.batch_cycles(nearest), latency.batch_cycles(exact)
    measurements = [
        measured(),
        measured(config=replace(CONFIG, variant="fr", variants=("fr",))),
        measured(config=nearest, one_row=k, all_rows=k),
        measured(config=exact, one_row=e, all_rows=e),
    ]
    text = page(measurements, command="amper cycles --rows 64", simulator="icarus")
    assert "Written by\n\n```sh\namper cycles --rows 64\n```\n\nwith amper " in text
    start = ["64", "parallel", "deep", "4", "4"]
    assert rows_of(text) == [
        [*start, "fr-dithered, fr", "20", "64", str(ALONE), str(ALONE), str(ALONE), "21", str(ALONE - 21), "20.0"],
        [*start, "k", "20", "64", str(k), str(k), str(k), "21", "", "20.0"],
        ["64", "parallel", "deep", "", "4", "exact", "", "64", str(e), str(e), str(e), "16", str(e - 16), "20.0"],
    ]


def test_the_command_measures(tmp_path, capsys):
    file = tmp_path / "cycles.md"
    assert main(["cycles", *SMALL, "--variants", "fr", "k", "exact", "-o", str(file)]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("3 of 3 points as by the formula") == 2
    text = file.read_text()
    assert "\namper cycles --rows 9 --groups 3 --batch 4 --ports 2x2 --pipelines deep shallow --variants fr k " in text
    cells = rows_of(text)
    assert len(cells) == 2 * (2 + 1)  # pipelines; fr, k and exact
    for each in cells:
        config = config_of(each)
        one, everything, formula = each[8:11]
        assert {one, everything, formula} == {str(latency.batch_cycles(config))}


def test_both_organisations_in_one_table(tmp_path, capsys):
    """The tree has one draw a cycle and variant exact, whatever else the others are asked for."""
    options = ["--organisations", "parallel", "tree", "--rows", "9", "--batch", "4", "--variants", "exact"]
    file = tmp_path / "cycles.md"
    assert (
        main(["cycles", *options, "--ports", "1", "2", "--pipelines", "deep", "--sim", "icarus", "-o", str(file)]) == 0
    )
    text = file.read_text()
    assert "\namper cycles --organisations parallel tree --rows 9 " in text
    assert [each[1:6] for each in rows_of(text)] == [
        ["parallel", "deep", "", "1", "exact"],
        ["parallel", "deep", "", "2", "exact"],
        ["tree", "deep", "", "1", "exact"],
    ]
    assert {each[9] for each in rows_of(text) if each[1] == "tree"} == {str(4 + 6 + 5 * 2)}


def test_other_cycles_than_the_formulas_make_exit_code_1(capsys, monkeypatch):
    monkeypatch.setattr(cycle_table, "measure", lambda *_, **__: [measured(), measured(one_row=ALONE + 1)])
    assert main(["cycles", "--rows", "64", "--ports", "4", "--pipelines", "deep", "--variants", "fr"]) == 1
    captured = capsys.readouterr()
    assert "1 of 2 points as by the formula" in captured.err
    assert len(rows_of(captured.out)) == 2


def test_a_difference_from_the_model_is_an_error(capsys, monkeypatch):
    report = {"mismatches": 3, "first_mismatch": "index 5 of 2 batches: expected 1, got 2", "spans": []}
    monkeypatch.setattr(cycle_table, "run_bench", lambda **_: report)
    assert main(["cycles", *SMALL]) == 1
    assert capsys.readouterr().err == "amper cycles: error: index 5 of 2 batches: expected 1, got 2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "4", "--ports", "1x3"), "draw_ports must be a power of two, not 3"),
        (("--rows", "0"), "rows must be 1 to 1048576, not 0"),
        (("--rows", "4", "0"), "rows must be 1 to 1048576, not 0"),
        (("--ports", "3"), "search_ports must be a power of two, not 3"),
        (("--groups", "8", "300"), "groups must be 1 to 256, not 300"),
        (("--batch", "0"), "batch must be 1 to 4096, not 0"),
        (
            ("--organisations", "tree", "--ports", "4"),
            "draw_ports must be at most banks, 1, with organisation tree, not 4",
        ),
        (("--groups", "0", "8"), "groups must be 1 to 256, not 0"),
    ],
)
def test_bad_input(capsys, monkeypatch, arguments, message):
    """Also behind what is legal; nothing is measured."""
    monkeypatch.setattr(cycle_table, "measure", None)
    assert main(["cycles", *arguments]) == 2
    assert capsys.readouterr().err == f"amper cycles: error: {message}\n"


def test_the_documentation_has_what_the_formula_says_now():
    cells = rows_of(DOCUMENT.read_text(encoding="utf-8"))
    assert len(cells) >= 32
    assert {each[5] for each in cells} == {"fr-dithered, fr-prefix, fr", "k", "exact"}
    assert {each[1] for each in cells} == {"parallel", "tree"}
    for each in cells:
        config = config_of(each)
        one, everything, formula, bound, constant, steady = each[8:]
        assert one == everything == formula == str(latency.batch_cycles(config))
        if config.variant != "k":
            assert int(bound) + int(constant) == int(formula)
            # A beat of exact is in one plane seldom more than in another.
            assert float(steady) <= int(bound) + (0.5 * config.priority_width if config.draw_ports > 1 else 0)
