"""The predictor of area and clock: what it learns, how its error is measured, what it says and where it stops."""

import json
import math
import re
from dataclasses import replace

import pytest
from oracles.explore_points import AXES, point, points

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.base.latency import batch_cycles
from amper_synth.explore.grid import configurations
from amper_synth.predict.features import GROUPS, Shape, area_columns, clock_columns, features, group_areas, path_ends
from amper_synth.predict.fit import TooFewPointsError, fit
from amper_synth.predict.predictor import Predictor

UNSEEN = AmperConfig(
    rows=48, variant="fr-dithered", priority_width=12, bank_rows=16, fan_out=2
)  # inside what was seen, and not among it


@pytest.fixture(scope="module")
def fitted():
    return fit(points())


@pytest.fixture(scope="module")
def folder(tmp_path_factory, fitted):
    path = tmp_path_factory.mktemp("predictor")
    fitted[0].save(path / "predictor.json")
    return path


# --- columns -------------------------------------------------------------------------------------------------------


def test_columns_have_the_same_names_for_every_configuration_and_are_never_negative():
    configs = [
        AmperConfig(rows=1, variant="fr-dithered"),
        AmperConfig(rows=1000, variants=("fr-dithered", "k"), search_ports=4, draw_ports=8, write_ports=2, bus="axi"),
        AmperConfig(
            rows=70, variant="fr-dithered", pipeline="shallow", result_priority=False, priority_width=4, bus="wishbone"
        ),
        AmperConfig(rows=300, variant="exact", draws="stratified", draw_ports=4),
        AmperConfig(rows=300, variant="exact", variants=("fr", "exact")),
    ]
    tables = [{**area_columns(config), "clock": clock_columns(config)} for config in configs]
    assert list(area_columns(configs[0])) == list(GROUPS)
    for table in tables:
        assert {name: list(columns) for name, columns in table.items()} == {
            name: list(columns) for name, columns in tables[0].items()
        }
        assert all(value >= 0 and math.isfinite(value) for columns in table.values() for value in columns.values())


def test_what_is_not_built_in_has_no_columns():
    alone = area_columns(AmperConfig(rows=300, variant="exact", search_ports=4))
    # Nothing of exact alone searches: neither P nor m is anywhere in it.
    assert features(AmperConfig(rows=300, variant="exact", search_ports=4, groups=8)) == features(AmperConfig(rows=300))
    with_csp = area_columns(AmperConfig(rows=300, variant="fr-dithered"))
    assert not any(alone["query generator"].values())
    for group, name in [("banks", "ternary cell"), ("banks", "bitmaps"), ("nodes", "key bit"), ("other", "m")]:
        assert alone[group][name] == 0 < with_csp[group][name]
    for group, name in [("banks", "plane cell"), ("nodes", "sums bit"), ("draw unit", "D x T x word")]:
        assert with_csp[group][name] == 0 < alone[group][name]


@pytest.mark.parametrize(
    ("rows", "bank_rows", "fan_out", "banks", "children"),
    [(64, 64, 8, 1, 0), (65, 64, 8, 2, 2), (1024, 64, 8, 16, 16 + 2), (30, 4, 2, 8, 8 + 4 + 2), (10, 4, 2, 3, 3 + 2)],
)
def test_the_tree_is_counted(rows, bank_rows, fan_out, banks, children):
    """Every bank and every node but the root hangs below a node."""
    shape = Shape(AmperConfig(rows=rows, variant="fr-dithered", bank_rows=bank_rows, fan_out=fan_out))
    assert (shape.banks, shape.children) == (banks, children)


def test_groups_of_components_add_up():
    areas = {"amper_bank_64": 5.0, "amper_bank_7": 1.0, "amper_node_1_71": 2.0, "amper_draw_unit": 3.0, "amper": 4.0}
    assert group_areas(areas) == {
        "banks": 6.0,
        "nodes": 2.0,
        "query generator": 0.0,
        "draw unit": 3.0,
        "other": 4.0,
    }


def test_the_longest_path_into_each_component():
    """Behind a bus, the sampler is an instance of its own; without paths, the period stands for them."""
    targets = {"draw_unit/x[1]": 3.0, "array/child_0/y": 1.0, "core/array/child_1/z": 2.0, "csp_size[3]": 0.5}
    paths = [{"target": target, "delay_ns": delay} for target, delay in targets.items()]
    assert path_ends({"paths": paths, "period_ns": 3.0}) == {"draw_unit": 3.0, "array": 2.0, "top": 0.5}
    assert path_ends({"paths": [], "period_ns": 3.0}) == {"the whole": 3.0}


# --- the fit -------------------------------------------------------------------------------------------------------


def test_what_the_columns_can_express_is_found(fitted):
    """Points of a formula: a configuration between them is predicted as the formula says."""
    predictor, held_out = fitted
    found, true = predictor.predict(UNSEEN), point(UNSEEN)
    assert found.area_um2 == pytest.approx(true.area_um2, rel=0.01)
    assert found.area_um2 == pytest.approx(sum(found.by_group.values()))
    assert found.by_group["banks"] == pytest.approx(true.by_component["amper_bank_16"], rel=0.02)
    assert found.period_ns == pytest.approx(true.period_ns, rel=0.01)
    assert found.fmax_mhz == pytest.approx(1000 / found.period_ns)
    assert (found.batch_cycles, found.outside) == (batch_cycles(UNSEEN), ())
    assert found.batch_ns == pytest.approx(batch_cycles(UNSEEN) * found.period_ns)
    assert len(held_out) == predictor.held_out.points == 24
    assert predictor.held_out.area_worst < 1
    assert predictor.held_out.fmax_worst < 1
    assert predictor.largest.points == 8  # those of 64 rows


@pytest.mark.parametrize(("priority_width", "draw_ports", "limit"), [(16, 1, "query_generator"), (8, 2, "draw_unit")])
def test_the_slowest_component_is_the_clock(fitted, priority_width, draw_ports, limit):
    found = fitted[0].predict(replace(UNSEEN, priority_width=priority_width, draw_ports=draw_ports))
    assert found.limited_by == limit
    assert found.period_ns == pytest.approx({"query_generator": 2.0, "draw_unit": 1.5 * 2**0.5}[limit], rel=0.01)


def test_what_is_not_there_does_not_limit_the_clock(fitted):
    """The query generator is the slowest of all that was seen."""
    slow = replace(
        fitted[0], clock={"query_generator": {"one": 12.0}, "draw_unit": {"one": 9.0}, "census": {"one": 11.0}}
    )
    assert slow.predict(UNSEEN).limited_by == "query_generator"
    exact = AmperConfig(rows=48, variant="exact")
    assert slow.predict(exact).limited_by == "census"
    assert slow.predict(exact).period_ns == pytest.approx(2**11 / 1000)
    both = AmperConfig(rows=48, variant="exact", variants=("fr-dithered", "exact"))
    assert slow.predict(both).limited_by == "query_generator"


def test_a_component_is_not_slow_where_its_paths_were_not_written_out():
    """Its longest is at most the shortest that was: here it is among them only with W = 2, and then limits."""
    found = []
    for config in configurations(AXES | {"write_ports": [1, 2]}):
        each = point(config)
        if config.write_ports == 2:
            path = {"source": "write_unit/a", "target": "vmax_unit/b", "delay_ns": 6.0, "levels": 1}
            timing = {"period_ns": 6.0, "paths": [path, *each.result["timing"]["paths"]]}
            each = replace(each, result=each.result | {"timing": timing})
        found.append(each)
    predictor, _ = fit(found)
    one, two = (predictor.predict(replace(UNSEEN, write_ports=ports)) for ports in (1, 2))
    assert one.period_ns == pytest.approx(point(UNSEEN).period_ns, rel=0.05)
    assert (two.period_ns, two.limited_by) == (pytest.approx(6.0, rel=0.25), "vmax_unit")


def test_coefficients_are_never_negative(fitted):
    predictor, _ = fitted
    coefficients = [*predictor.clock.values(), *predictor.area.values()]
    assert all(value > 0 for table in coefficients for value in table.values())


def test_the_error_is_of_points_that_were_left_out(fitted):
    """One point is measured 30 percent larger and slower than the formula: its own prediction does not know of it."""
    odd = point(points()[5].config, area=1.3, period=1.25)
    _, held_out = fit([odd if each.config == odd.config else each for each in points()])
    (found,) = (each for each in held_out if each.point is odd)
    assert found.area_error == pytest.approx(100 * (1 - 1 / 1.3), abs=2)
    assert found.fmax_error == pytest.approx(100 * 0.25, abs=2)
    (before,) = (each for each in fitted[1] if each.point.config == odd.config)
    assert found.area_um2 == pytest.approx(before.area_um2)
    assert found.fmax_mhz == pytest.approx(before.fmax_mhz)


def test_twins_are_left_out_together(fitted):
    """A configuration that differs in what the predictor cannot see (here the seed) says nothing of its twin."""
    odd = points()[5].config
    twins = [point(replace(odd, seed=seed), area=1.3, period=1.25) for seed in (1, 2)]
    rest = [each for each in points() if each.config != odd]
    _, held_out = fit([*rest, *twins])
    found = [each for each in held_out if each.point in twins]
    (alone,) = (each for each in fitted[1] if each.point.config == odd)
    assert len(found) == 2
    for each in found:
        assert each.area_um2 == pytest.approx(alone.area_um2)
        assert each.fmax_mhz == pytest.approx(alone.fmax_mhz)


def test_errors_are_median_and_worst(fitted):
    predictor, held_out = fitted
    errors = sorted(each.area_error for each in held_out)
    assert predictor.held_out.area_worst == errors[-1]
    assert predictor.held_out.area_median == pytest.approx((errors[11] + errors[12]) / 2)


def test_too_few_points():
    few = points()[:9]
    twin = point(replace(few[0].config, seed=9))
    with pytest.raises(TooFewPointsError) as caught:
        fit([*few, twin])
    assert str(caught.value) == "a predictor needs at least 10 different points, not 9"


def test_with_few_points_beside_the_largest_there_is_no_error_beyond():
    small = [each for each in points() if each.config.rows != 16]
    assert fit(small[:12])[0].largest is None


# --- the answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "outside"),
    [
        ({}, ()),
        ({"rows": 65}, ("rows = 65, seen 16 to 64",)),
        ({"priority_width": 7}, ("priority_width = 7, seen 8 to 16",)),
        ({"bus": "axi"}, ("bus = axi, seen native",)),
        ({"result_priority": False}, ("result_priority = no, seen yes",)),
        ({"variants": ("fr-dithered", "k")}, ("variants = fr-dithered,k, seen fr-dithered",)),
        ({"rows": 8, "batch": 63}, ("rows = 8, seen 16 to 64", "batch = 63, seen 64 to 64")),
        ({"seed": 5, "radius_scale": 0.3, "priority_scale": 1.0}, ()),
    ],
)
def test_what_lies_outside_is_said(fitted, changes, outside):
    assert fitted[0].predict(replace(UNSEEN, **changes)).outside == outside


def test_a_file_gives_the_same_predictor(fitted, folder):
    loaded = Predictor.load(folder / "predictor.json")
    assert loaded == fitted[0]
    assert loaded.predict(UNSEEN) == fitted[0].predict(UNSEEN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "it must be an object whose format is 1"),
        ('{"format": 2}', "it must be an object whose format is 1"),
        ('{"format": 1}', "'held_out'"),
    ],
)
def test_a_damaged_file(tmp_path, text, reason):
    file = tmp_path / "predictor.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=rf"^{re.escape(f'{file}: not a predictor: {reason}')}$"):
        Predictor.load(file)


def test_a_predictor_with_a_column_that_is_not_there_any_more(fitted, tmp_path):
    file = tmp_path / "predictor.json"
    replace(fitted[0], area=fitted[0].area | {"banks": {"moth": 1.0}}).save(file)
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))}: not a predictor: 'moth'$"):
        Predictor.load(file)


# --- the command ---------------------------------------------------------------------------------------------------

OPTIONS = ["--variant", "fr-dithered", "--priority-width", "12", "--bank-rows", "16", "--fan-out", "2"]


def test_the_command_predicts_a_table(fitted, folder, capsys):
    assert main(["explore", "--predict", str(folder), "--rows", "48", "100", *OPTIONS]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [fitted[0].predict(replace(UNSEEN, rows=rows)) for rows in (48, 100)]
    assert lines[0].split("  ")[0].strip() == "rows"
    for line, each in zip(lines[1:3], found, strict=True):
        assert line.split() == [
            str(each.config.rows),
            f"{each.area_um2:,.0f}",
            f"{each.fmax_mhz:.0f}",
            f"{each.period_ns:.3f}",
            str(each.batch_cycles),
            f"{each.batch_ns:.1f}",
            "query_generator",
        ]
    errors = fitted[0].held_out
    assert lines[3] == (
        "predicted, not measured: on 24 points left out of the fit the error was, area, "
        f"{errors.area_median:.1f} % in the median and {errors.area_worst:.1f} % at worst; "
        f"Fmax, {errors.fmax_median:.1f} % and {errors.fmax_worst:.1f} %"
    )
    assert lines[4:] == [
        "library mini; cycles are exact",
        "outside what was seen, where the error is not known: rows = 100, seen 16 to 64",
    ]


def test_the_command_predicts_as_json(fitted, folder, capsys):
    assert main(["explore", "--predict", str(folder), "--rows", "48", *OPTIONS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["held_out"]["points"] == 24
    (prediction,) = found["predictions"]
    assert AmperConfig.from_dict(prediction["config"]) == UNSEEN
    assert prediction["area_um2"] == fitted[0].predict(UNSEEN).area_um2


def test_prediction_without_a_sweep(tmp_path, capsys):
    assert main(["explore", "--predict", str(tmp_path), "--rows", "48"]) == 2
    file = tmp_path / "predictor.json"
    assert capsys.readouterr().err == (f"amper explore: error: [Errno 2] No such file or directory: '{file}'\n")
