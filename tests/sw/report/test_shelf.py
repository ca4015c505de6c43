"""The shelf of what every page is made with: tables, figures, pages, the environment."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import jinja2
import pytest
from markupsafe import Markup

from amper_report.environment import described, environment, versions
from amper_report.figures import figure_file, figure_text
from amper_report.page import rendered
from amper_report.tables import table

ROOT = Path(__file__).parents[3]


def test_a_table() -> None:
    assert table(["", "n"], [["a", 1], ("b", 2.5)]) == "|  | n |\n|---|---|\n| a | 1 |\n| b | 2.5 |"
    assert table(("x",), []) == "| x |\n|---|"


def test_no_other_place_makes_a_table() -> None:
    """Nor sets up a figure or a template: one shelf for each; the RTL, which may not know it, has one table."""
    own = re.compile(r"\|---|rc_context|jinja2\.Environment")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("sw", "hw", "verif", "synth", "cli")
        for path in (ROOT / folder).rglob("*.py")
        if own.search(path.read_text(encoding="utf-8"))
    }
    shelf = {f"sw/amper_report/{name}.py" for name in ("tables", "figures", "page")}
    assert found - {"hw/amper_hw/output/register_files.py"} == shelf


def test_the_same_data_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        with figure_file(tmp_path / name, 2, 1) as figure:
            figure.subplots().plot([1, 2], [3, 4], label="words")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    with figure_text(2, 1) as (figure, svg):
        figure.subplots().plot([1, 2], [3, 4], label="words")
        assert svg == []
    assert svg[0].startswith("<svg")
    assert (tmp_path / "a.svg").read_text("utf-8").endswith(svg[0])
    assert ElementTree.fromstring(svg[0]).get("width") == "144pt"


def test_a_figure_without_matplotlib_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"^a figure needs matplotlib \(.*\): pip install 'amper\[page\]'$"):
        with figure_file(tmp_path / "a.svg", 1, 1):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_page_escapes_what_is_no_markup(tmp_path: Path) -> None:
    template = tmp_path / "x.html.j2"
    template.write_text("{% if yes %}\n{{ a }}{{ b }}\n{% endif %}\n", encoding="utf-8")
    assert rendered(template, {"yes": True, "a": "<&>", "b": Markup("<b>")}) == "&lt;&amp;&gt;<b>\n"
    with pytest.raises(jinja2.UndefinedError, match="'b' is undefined"):
        rendered(template, {"yes": True, "a": ""})


def test_versions_leave_out_what_is_not_installed() -> None:
    found = versions(["numpy", "no-such-package"])
    assert list(found) == ["python", "numpy"]
    assert found["python"] == sys.version.split()[0]
    facts = environment(["numpy"])
    assert described(facts).endswith(f"python {found['python']}, numpy {found['numpy']}")


def test_the_shelf_loads_no_library() -> None:
    modules = ", ".join(f"amper_report.{name}" for name in ("tables", "figures", "page", "environment"))
    code = f"import sys, {modules}; print(*{{'numpy', 'matplotlib', 'jinja2', 'amper'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
