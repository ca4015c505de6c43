"""What a sweep's table, page and Markdown say."""

import csv
import re
from dataclasses import replace

import pytest
from oracles.explore_points import made_up, point, points

from amper import AmperConfig
from amper_synth.asic.point import Failure, Point, Target
from amper_synth.explore import report as report
from amper_synth.explore.page import write_page
from amper_synth.explore.sweep import Sweep
from amper_synth.predict.fit import fit


@pytest.fixture(scope="module")
def fitted():
    return fit(points())


def measured(rows: int, area: float, batch_ns: float, seed: int = 0) -> Point:
    """A point of which only n, area and batch time matter."""
    config = AmperConfig(rows=rows, variant="fr-dithered", seed=seed)
    result = made_up(config)
    result["area"]["total_um2"], result["batch_ns"] = area, batch_ns
    return Point(config, f"{rows} {seed}", 1.0, result)


def test_the_front_is_what_nothing_beats():
    """Against the definition: no other point of the same n is at least as good in both and better in one."""
    spread = [(5, 9), (1, 9), (3, 3), (2, 5), (3, 8), (9, 1), (4, 3), (2, 7), (8, 1), (1, 10)]
    found = [
        measured(rows, area + rows, time, seed)
        for rows in (8, 16)
        for seed, (area, time) in enumerate(spread)
        if rows == 8 or seed != 8
    ]
    for rows, front in report.fronts(found).items():
        same = [each for each in found if each.config.rows == rows]
        best = [
            each
            for each in same
            if not any(
                other.area_um2 <= each.area_um2
                and other.batch_ns <= each.batch_ns
                and (other.area_um2, other.batch_ns) != (each.area_um2, each.batch_ns)
                for other in same
            )
        ]
        assert front == sorted(best, key=lambda each: each.area_um2)
    assert [(each.area_um2 - 16, each.batch_ns) for each in report.fronts(found)[16]] == [
        (1, 9),
        (2, 5),
        (3, 3),
        (9, 1),
    ]
    assert (8 + 8, 1) in [(each.area_um2, each.batch_ns) for each in report.fronts(found)[8]]


def test_equal_points_are_on_the_front_once():
    twins = [measured(8, 2.0, 2.0, seed) for seed in (1, 2)]
    assert report.fronts(twins) == {8: twins[:1]}


def test_what_varies_and_what_does_not():
    assert report.varied(points()) == ["rows", "priority_width", "draw_ports", "pipeline"]
    assert report.constant(points()).startswith("groups = 20, batch = 64, variant = fr-dithered, ")
    assert "result_priority = yes" in report.constant(points())
    assert not re.search(
        r"\b(rows|priority_width|priority_scale|draw_ports|pipeline|seed) =", report.constant(points())
    )


def test_a_csv_line_a_point(fitted, tmp_path):
    _, held_out = fitted
    path = tmp_path / "points.csv"
    report.write_csv(points(), held_out, path)
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 24
    front = {each.key for each in report.fronts(points())[32]}
    for line, each in zip(lines, points(), strict=True):
        assert (
            AmperConfig(
                rows=int(line["rows"]),
                variant="fr-dithered",
                priority_width=int(line["priority_width"]),
                draw_ports=int(line["draw_ports"]),
                pipeline=line["pipeline"],
                bank_rows=16,
                fan_out=2,
            )
            == each.config
        )
        assert line["key"] == each.key
        assert float(line["area um2"]) == pytest.approx(each.area_um2, abs=0.1)
        assert float(line["banks um2"]) == pytest.approx(each.by_component["amper_bank_16"], abs=0.1)
        assert float(line["MHz"]) == pytest.approx(each.fmax_mhz, abs=0.01)
        assert float(line["batch ns"]) == pytest.approx(each.batch_ns, abs=0.01)
        assert line["longest path"] in ("vmax_unit/a -> draw_unit/b", "vmax_unit/a -> query_generator/b")
        if each.config.rows == 32:
            assert line["pareto"] == ("yes" if each.key in front else "no")
    by_key = {each.point.key: each for each in held_out}
    for line in lines:
        assert float(line["predicted MHz"]) == pytest.approx(by_key[line["key"]].fmax_mhz, abs=0.01)
        assert float(line["predicted area um2"]) == pytest.approx(by_key[line["key"]].area_um2, abs=0.1)
    report.write_csv(points()[:2], [], path)
    assert path.read_text().splitlines()[1].endswith(",,")


def test_the_tables_in_markdown(fitted):
    predictor, _ = fitted
    text = report.markdown(points(), predictor)
    lines = text.splitlines()
    assert lines[0].startswith("| rows | priority_width | draw_ports | pipeline | area um2 | row um2 |")
    fronts = [each for front in report.fronts(points()).values() for each in front]
    assert len(fronts) >= 3  # one at least of each n
    for line, each in zip(lines[2:], fronts, strict=False):
        cells = line.strip("| ").split(" | ")
        assert cells[0] == str(each.config.rows)
        assert cells[3:5] == [each.config.pipeline, f"{each.area_um2:,.0f}"]
        assert cells[-1] == f"{each.batch_ns:.1f}"
    errors = predictor.held_out
    assert (
        f"| each point in turn, with its twins | 24 | {errors.area_median:.1f} | {errors.area_worst:.1f} "
        f"| {errors.fmax_median:.1f} | {errors.fmax_worst:.1f} |"
    ) in lines
    assert any(line.startswith("| all points of the largest n, 64 | 8 | ") for line in lines)
    assert lines[-1].startswith(
        "24 points, mini; amper 1, yosys 2, timing OpenSTA 3; 1 minutes of one core for 24 of them, median 2 s; groups"
    )
    assert "left out" not in report.markdown(points(), None)


def test_the_page_has_everything_in_it(fitted, tmp_path):
    predictor, held_out = fitted
    failure = Failure(AmperConfig(rows=9, variant="fr-dithered"), "SynthesisError: <no> memory")
    found = Sweep(tuple(points()), (failure,), Target(("mini.lib",), ("0",), (("yosys", "Yosys 2"),)))
    path = tmp_path / "index.html"
    write_page(found, predictor, held_out, path, command="amper explore --rows 16")
    page = path.read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)  # nothing is loaded from elsewhere
    assert "SynthesisError: &lt;no&gt; memory" in page
    assert "<tr><th>yosys</th><td>Yosys 2</td></tr>" in page
    assert "<pre>amper explore --rows 16</pre>" in page
    table = page[page.index('<table id="points">') :]
    assert table[: table.index("</table>")].count("<tr>") == 1 + 24
    write_page(found, predictor, held_out, tmp_path / "again.html", command="amper explore --rows 16")
    assert (tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_the_page_without_a_predictor(tmp_path):
    """And with a single point, of which nothing varies."""
    one = point(replace(points()[0].config))
    found = Sweep((one,), (), Target(("mini.lib",), ("0",), ()))
    write_page(found, None, [], tmp_path / "index.html", command="amper explore", without="too few")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<p>None: too few.</p>" in page
    assert page.count("<svg") == 2
    assert 'id="failures"' not in page
