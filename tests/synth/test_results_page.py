"""The page of results, from files as the flows leave them."""

import json
from pathlib import Path

from amper_synth.results_page import page

KEPT = Path(__file__).parents[2] / "docs/measurements/results"


def test_the_page_of_the_repository_is_what_its_files_say():
    assert (KEPT.parent / "results.md").read_text(encoding="utf-8") == page(KEPT)


def test_only_what_is_there(tmp_path):
    kept = json.loads(next(KEPT.glob("fpga-ecp5-*.json")).read_text(encoding="utf-8"))
    changed = kept | {"date": "2030-01-02", "config": kept["config"] | {"rows": 7, "storage": "latches"}}
    (tmp_path / "fpga-ecp5-7.json").write_text(json.dumps(changed), encoding="utf-8")
    text = page(tmp_path)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## FPGA: ecp5"]
    assert "made 2030-01-02." in text
    assert "| fr-dithered, n = 7, " in text
    assert "storage = latches" in text
    assert "primitives" not in text.split("## FPGA")[1]  # blocks are usual in an FPGA, gates are not
    gates = changed | {"config": changed["config"] | {"primitives": "gates"}}
    (tmp_path / "fpga-ecp5-8.json").write_text(json.dumps(gates), encoding="utf-8")
    assert "storage = latches, primitives = gates |" in page(tmp_path)
    (tmp_path / "compare.md").write_text("", encoding="utf-8")
    assert page(tmp_path).splitlines()[-1] == "`amper compare`: [compare.md](results/compare.md)."
