"""The command `amper compare`: every row is there, with its label and ratios, or with the reason why it has no time."""

import json
import sys

import pytest
from oracles.mini_liberty import mini_liberty

from amper_cli.main import main
from amper_lab.bench import peers
from amper_lab.bench.contestant import MissingError
from amper_synth.compare.comparison import THIS_RUN, Entry

RTL = [
    "--groups",
    "2",
    "--batch",
    "2",
    "--priority-width",
    "4",
    "--bank-rows",
    "4",
    "--fan-out",
    "2",
    "--sim",
    "icarus",
]
QUICK = ["--repeats", "2", "--calls", "4", "--modes", "per", "amper-fr", "--peers", "cpprb"]


def compare(*arguments):
    return main(["compare", *map(str, arguments)])


def saved(folder):
    return json.loads((folder / "compare.json").read_text("utf-8"))


def by_name(whole):
    return {(line["name"], line["pace"]): line for line in whole["entries"]}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """All parts in one run, the tensors on the processor."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "mini.lib").write_text(mini_liberty())
    options = ["--rows", 8, *RTL, *QUICK, "--gpu-device", "cpu"]
    assert compare(*options, "--liberty", folder / "mini.lib", "-o", folder) == 0
    return folder


def test_all_rows_with_their_labels(everything):
    found = by_name(saved(everything))
    assert {key: line["figure"] for key, line in found.items()} == {
        ("RTL, mini", "alone"): "estimated",
        ("RTL, mini", "back to back"): "estimated",
        ("amper per", "alone"): "measured",
        ("amper-fr", "alone"): "measured",
        ("cpprb", "alone"): "measured",
        ("sum tree in PyTorch", "alone"): "measured",
        ("sum tree in PyTorch", "back to back"): "measured",
        ("torch.multinomial", "alone"): "measured",
        ("torch.multinomial", "back to back"): "measured",
        ("PER on a GPU / AMPER's hardware in the paper", "alone"): "quoted",
    }
    for line in found.values():
        assert (line["ns"] is None) == (line["figure"] == "quoted")
    assert [line["ours"] for line in found.values()] == [True] * 4 + [False] * 6


def test_ratios_are_quotients(everything):
    """Of the RTL's estimate: it does not vary."""
    found = by_name(saved(everything))
    for (_, pace), line in found.items():
        if line["ns"] is not None:
            assert line["ratios"]["RTL, mini"] == line["ns"] / found["RTL, mini", pace]["ns"]
            assert len(line["ratios"]) == 2
    per, fr = (found[name, "alone"] for name in ("amper per", "amper-fr"))
    fastest = min(per, fr, key=lambda line: line["ns"])
    assert fastest["ratios"][fastest["name"]] == 1
    assert found["cpprb", "alone"]["ratios"][fastest["name"]] > 0


def test_the_estimate_is_cycles_times_the_period(everything):
    """Of the flow that --liberty ran, whose result stays."""
    period = json.loads((everything / "asic/asic.json").read_text("utf-8"))["timing"]["period_ns"]
    found = by_name(saved(everything))
    for pace in ("alone", "back to back"):
        line = found["RTL, mini", pace]
        assert line["ns"] == line["cycles"] * period > 0


def test_files(everything):
    table = (everything / "compare.md").read_text("utf-8")
    assert table.startswith("# A step of 2 draws and 2 updates, n = 8\n\n| figure |")
    assert (everything / "compare.svg").read_text("utf-8").count("<svg") == 1
    whole = saved(everything)
    assert (whole["rows"], whole["batch"], whole["config"]["groups"]) == (8, 2, 2)
    assert whole["environments"][THIS_RUN]["versions"]["cpprb"]


def test_a_file_of_periods_and_a_gpu_from_elsewhere(everything, tmp_path, capsys):
    """The flow's own file in place of the flow, the rows of a GPU in place of this machine's."""
    there = saved(everything)
    there["entries"] = [line for line in there["entries"] if line["part"] == "gpu"]
    (tmp_path / "h200.json").write_text(json.dumps(there))
    files = ["--timing", everything / "asic/asic.json", "--gpu-results", tmp_path / "h200.json"]
    assert compare("--rows", 8, *RTL, *QUICK, "--only", "rtl", "gpu", *files, "-o", tmp_path) == 0
    here = saved(tmp_path)
    assert set(here["environments"]) == {THIS_RUN, "h200.json"}
    before, after = by_name(saved(everything)), by_name(here)
    assert after["RTL, mini", "alone"]["ns"] == before["RTL, mini", "alone"]["ns"]
    assert ("cpprb", "alone") not in after
    for name in ("sum tree in PyTorch", "torch.multinomial"):
        for pace in ("alone", "back to back"):
            old, new = (dict(each[name, pace]) for each in (before, after))
            assert new.pop("run") == "h200.json" != old.pop("run")
            assert list(new.pop("ratios")) == ["RTL, mini"]
            del old["ratios"]
            assert Entry.from_dict(new) == Entry.from_dict(old)
    assert capsys.readouterr().out.startswith("# A step of 2 draws and 2 updates, n = 8\n")


def test_ratios_of_software_on_64_rows(monkeypatch, tmp_path, capsys):
    """Without RTL, without GPU, and without a library: rows stay, and say so."""
    import torch

    def absent(_):
        raise MissingError("it is not here")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setitem(peers.PEERS, "sumtree", peers.Peer(absent))
    options = ["--rows", 64, *QUICK, "sumtree", "--only", "software", "gpu"]
    assert compare(*options, "-o", tmp_path) == 0
    found = by_name(saved(tmp_path))
    (fastest,) = {title for line in found.values() for title in line["ratios"]}
    assert found["cpprb", "alone"]["ratios"][fastest] > 0
    for name in ("sum tree in PyTorch", "torch.multinomial"):
        for pace in ("alone", "back to back"):
            assert found[name, pace]["reason"] == "no GPU in this machine"
            assert found[name, pace]["ns"] is None
    assert found["sumtree", "alone"]["reason"] == "it is not here"
    text = capsys.readouterr().out
    assert "| no GPU in this machine |" in text
    assert "- sumtree could not take part: it is not here." in text


def test_missing_packages_name_their_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert compare("--rows", 8, "--only", "gpu") == 0
    text = capsys.readouterr().out
    assert text.count("| could not take part, see below |") == 4
    assert "could not take part: torch is not installed: pip install 'amper[bench]'." in text
    monkeypatch.setitem(sys.modules, "amper_synth.compare.rtl", None)
    assert compare("--rows", 8) == 2
    remedy = "Install it by: pip install 'amper[synth,sim]'"
    assert capsys.readouterr().err.endswith(f"compare.rtl halted; None in sys.modules. {remedy}\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "0"], "rows must be 1 to 1048576, not 0"),
        (["--repeats", "0", "--only", "gpu"], "repeats must be at least 1, not 0"),
        (["--calls", "0", "--only", "software"], "calls must be at least 1, not 0"),
        (["--bus", "axi"], "bus must be native, whose cycles are counted, not axi"),
        (["--timing", "no/such.json"], "[Errno 2] No such file or directory: 'no/such.json'"),
        (["--gpu-results", "no/such.json"], "[Errno 2] No such file or directory: 'no/such.json'"),
    ],
)
def test_bad_input(options, message, capsys):
    assert compare(*options) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"amper compare: error: {message}"
