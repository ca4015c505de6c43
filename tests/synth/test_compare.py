"""`amper compare`, without measuring: ratios, files of periods and of GPUs, the cycles of a step, the table."""

import json
import re
from dataclasses import asdict, replace

import pytest

from amper import AmperConfig
from amper_hw.base import latency
from amper_synth.compare import rtl as compare_rtl
from amper_synth.compare.comparison import PAPER, THIS_RUN, Comparison, Entry, bases, gpu_entries, ratio, ratios
from amper_synth.compare.report import draw, markdown, ordered
from amper_synth.compare.rtl import Cycles, Period, check_comparable, check_names, cycles_of, read_period, rtl_entries
from amper_synth.compare.software import GPU_NAMES
from amper_verif import cycle_table
from amper_verif.harness.simulators import SimulationError

CONFIG = AmperConfig(
    rows=8, variant="fr-dithered", bank_rows=4, fan_out=2, groups=2, batch=4, priority_width=4, radius_scale=2
)
PERIODS = [Period("fast", 2.0, "made up"), Period("slow", 5.0, "made up")]
FACTS = {
    "time": "2026-11-21T00:00:00+00:00",
    "machine": {"processor": "P", "cores": 2, "caches": {}, "system": "S", "load_average": [0, 0, 0]},
    "versions": {"python": "3.11"},
}


def measured(name, repeats, **changed):
    middle = sorted(repeats)[len(repeats) // 2]
    values = {"part": "software", "figure": "measured", "ns": middle, "repeats_ns": tuple(repeats)}
    return Entry(name=name, **(values | changed))


OURS = [measured("amper per", [100.0, 200.0, 400.0], ours=True), measured("amper-fr", [300.0] * 3, ours=True)]
PEER = measured("cpprb", [300.0, 400.0, 1600.0])
GPU = measured("torch.multinomial", [900.0], part="gpu", pace="back to back", run="gpu.json", where="a GPU")
ABSENT = Entry(name="sum tree in PyTorch", part="gpu", figure="measured", reason="no GPU in this machine")
ENTRIES = (*rtl_entries(Cycles(30, 4, 20), PERIODS), *OURS, PEER, GPU, ABSENT, PAPER)


def comparison(entries=ENTRIES):
    options = {"repeats": 3}
    return Comparison(8, 4, CONFIG.to_dict(), options, {THIS_RUN: FACTS, "gpu.json": FACTS}, tuple(entries))


# --- ratios --------------------------------------------------------------------------------------------------------


def test_ratios_of_one_run_are_taken_in_each_repeat():
    """3, 2 and 4: the median is 3, though the medians' quotient is 2."""
    assert ratio(PEER, OURS[0]) == 3
    assert ratio(replace(PEER, run="elsewhere"), OURS[0]) == 2
    assert ratio(replace(PEER, repeats_ns=PEER.repeats_ns[:2]), OURS[0]) == 2
    assert ratio(replace(PEER, pace="back to back"), OURS[0]) == 2


def test_everyone_is_set_against_the_rtl_at_its_own_pace_and_the_fastest_software():
    against = bases(ENTRIES)
    assert list(against) == ["RTL, fast", "RTL, slow", "amper per"]
    assert ratios(PEER, against) == {"RTL, fast": 400 / 68, "RTL, slow": 400 / 170, "amper per": 3}
    assert ratios(GPU, against) == {"RTL, fast": 900 / 40, "RTL, slow": 900 / 100, "amper per": 900 / 200}
    assert ratios(ENTRIES[0], against) == {"RTL, fast": 1, "RTL, slow": 68 / 170, "amper per": 68 / 200}
    assert ratios(ABSENT, against) == ratios(PAPER, against) == {}


def test_uniform_draws_are_no_base():
    uniform = measured("amper uniform", [1.0], ours=True)
    assert list(bases([uniform, *OURS])) == ["amper per"]
    assert bases([uniform, PEER, GPU]) == {}


def test_json_holds_everything():
    saved = json.loads(json.dumps(comparison().to_dict()))
    for line, entry in zip(saved["entries"], ENTRIES, strict=True):
        assert line.pop("ratios") == ratios(entry, bases(ENTRIES))
        assert Entry.from_dict(line) == entry


# --- the results of a GPU from elsewhere -----------------------------------------------------------------------------


def saved_gpu(tmp_path, **changed):
    file = tmp_path / "gpu.json"
    file.write_text(json.dumps(comparison().to_dict() | changed))
    return file


def test_gpu_results_are_merged(tmp_path):
    found, facts = gpu_entries(saved_gpu(tmp_path), rows=8, batch=4)
    assert found == [GPU, replace(ABSENT, run="gpu.json")]
    assert facts == FACTS


def test_gpu_results_that_do_not_fit(tmp_path):
    file = saved_gpu(tmp_path)
    with pytest.raises(ValueError, match=rf"^gpu_results must be of rows = 9, and {file} is of rows = 8$"):
        gpu_entries(file, rows=9, batch=4)
    with pytest.raises(ValueError, match=rf"^gpu_results must be of batch = 5, and {file} is of batch = 4$"):
        gpu_entries(file, rows=8, batch=5)
    file = saved_gpu(tmp_path, entries=[asdict(ABSENT), asdict(PEER)])
    with pytest.raises(ValueError, match=rf"^gpu_results must hold times of a GPU, and {file} holds none$"):
        gpu_entries(file, rows=8, batch=4)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", r"Expecting property name .*"),
        ("[]", r"list indices must be integers or slices, not str"),
        ('{"entries": []}', "'rows'"),
        ('{"entries": [], "rows": 8, "batch": 4, "environments": {"this run": {}}}', "'machine'"),
        ('{"entries": [{"part": "gpu", "speed": 3}]}', r".* unexpected keyword argument 'speed'"),
    ],
)
def test_gpu_results_that_are_something_else(tmp_path, text, why):
    file = tmp_path / "x.json"
    file.write_text(text)
    message = rf"^gpu_results must be a compare.json of amper compare, and {file} is none: {why}$"
    with pytest.raises(ValueError, match=message):
        gpu_entries(file, rows=8, batch=4)


# --- periods ---------------------------------------------------------------------------------------------------------

CYCLES = latency.batch_cycles(CONFIG)
ASIC = {
    "config": CONFIG.to_dict(),
    "library": {"names": ["mini", "more"]},
    "timing": {"period_ns": 1.25, "method": "STA"},
    "batch_cycles": CYCLES,
}
FPGA = {
    "config": CONFIG.to_dict(),
    "target": "ecp5",
    "device": "85k",
    "fmax_mhz": {"median": 80.0},
    "runs": [{}, {}, {}],
    "versions": {"nextpnr": "nextpnr-1"},
    "batch_cycles": CYCLES,
}


def written(tmp_path, content):
    file = tmp_path / "asic.json"
    file.write_text(json.dumps(content))
    return file


def test_periods_of_both_flows(tmp_path):
    assert read_period(written(tmp_path, ASIC), CONFIG) == Period("mini", 1.25, "STA")
    routed = Period("ecp5 85k", 12.5, "nextpnr-1, routed, median of 3 seeds")
    assert read_period(written(tmp_path, FPGA), CONFIG) == routed


def test_a_parameter_of_software_alone_may_differ(tmp_path):
    assert read_period(written(tmp_path, ASIC), replace(CONFIG, priority_scale=3.0)).ns == 1.25


def test_a_period_of_another_configuration_or_rtl(tmp_path):
    file = written(tmp_path, ASIC)
    other = AmperConfig.from_dict(
        CONFIG.to_dict() | {"rows": 9, "pipeline": "shallow", "variants": ["fr-dithered", "k"]}
    )
    start = rf"^timing must be of the configuration compared, and {file} is of "
    differences = "rows = 8, not 9; variants = fr-dithered, not fr-dithered,k; pipeline = deep, not shallow"
    with pytest.raises(ValueError, match=f"{start}{differences}$"):
        read_period(file, other)
    file = written(tmp_path, ASIC | {"batch_cycles": CYCLES + 2})
    with pytest.raises(ValueError, match=r".") as caught:
        read_period(file, CONFIG)
    assert str(caught.value) == (
        f"timing must be of this RTL, whose batch takes {CYCLES} cycles, and {file} is of one that takes {CYCLES + 2}: "
        "run amper synth again"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([], "list indices must be integers or slices, not str"),
        ({}, "'config'"),
        ({"config": {"rows": 0}}, "rows must be 1 to 1048576, not 0"),
        (ASIC | {"library": {"names": []}}, "list index out of range"),
        (ASIC | {"timing": {}}, "'period_ns'"),
        ({name: value for name, value in ASIC.items() if name != "batch_cycles"}, "'batch_cycles'"),
    ],
)
def test_a_period_of_something_else(tmp_path, content, why):
    file = written(tmp_path, content)
    with pytest.raises(ValueError, match=r".") as caught:
        read_period(file, CONFIG)
    assert str(caught.value) == f"timing must be an asic.json or fpga.json of amper synth, and {file} is none: {why}"


def test_two_periods_of_one_name():
    check_names(PERIODS)
    with pytest.raises(ValueError, match=r"^timing must name a library or device once, and fast is there 2 times$"):
        check_names([*PERIODS, PERIODS[0]])


# --- the cycles of a step --------------------------------------------------------------------------------------------


def test_cycles_of_spans():
    """Batches of 30 cycles, rests of 50, in half of which 4 more are writes; then one batch every 20."""
    now, spans = 0, []
    for pause in [50] * (compare_rtl.ALONE_STEPS + 1) + [54] * compare_rtl.ALONE_STEPS:
        spans.append((4, now + pause, now + pause + 30))
        now += pause + 30
    spans += [(4, now + 20 * step, now + 20 * step + 31) for step in range(compare_rtl.STEPS)]
    found = cycles_of(spans)
    assert found == Cycles(batch=30, writes=4, back_to_back=20)
    assert found.alone == 34


@pytest.mark.parametrize("write_ports", [1, 2])
def test_the_cycles_are_those_of_the_rtl(tmp_path, write_ports):
    """A batch as by the formula, then a cycle a transfer, more where two lanes meet in one of two banks, and one."""
    config = replace(CONFIG, write_ports=write_ports)
    found = compare_rtl.measure_cycles(config, simulator="icarus", folder=tmp_path)
    assert found.batch == latency.batch_cycles(config)
    if write_ports == 1:
        assert found.writes == config.batch + 1
    else:
        assert config.batch / 2 + 1 < found.writes < config.batch + 1
    assert config.batch <= found.back_to_back <= found.alone


def test_a_difference_from_the_golden_model_is_no_result(tmp_path, monkeypatch):
    report = {"mismatches": 1, "first_mismatch": "row 3, not 4", "spans": []}
    monkeypatch.setattr(cycle_table, "run_bench", lambda **_: report)
    with pytest.raises(SimulationError, match=r"^row 3, not 4$"):
        compare_rtl.measure_cycles(CONFIG, simulator="icarus", folder=tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bus": "axi"}, "bus must be native, whose cycles are counted, not axi"),
        ({"rows": 1}, "rows must be at least 2, one of which keeps the maximum, not 1"),
    ],
)
def test_what_cannot_be_counted(changed, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_comparable(replace(CONFIG, **changed))


def test_without_a_period_there_are_cycles_and_no_time():
    alone, many = rtl_entries(Cycles(30, 4, 20), [])
    assert (alone.cycles, many.cycles) == (34, 20)
    assert alone.ns is many.ns is None
    assert alone.reason == "no period: give --timing or --liberty"
    assert bases([alone, many, PEER]) == {}


# --- the table and the picture ---------------------------------------------------------------------------------------


def test_the_table_keeps_the_kinds_apart():
    text = markdown(comparison())
    kinds = re.findall(r"(?m)^\| \*\*(\w+)\*\* \|", text)
    assert kinds == ["estimated"] * 4 + ["measured"] * 5 + ["quoted"]
    assert "| times RTL, fast | times RTL, slow | times amper per |" in text
    assert "| **estimated** | RTL, fast | alone | 68 ns | 60 ns + 8 ns | 34 | 1 | 0.4 | 0.34 |" in text
    assert "| **measured** | cpprb | alone | 400 ns |  |  | 5.88 | 2.35 | 3 |" in text
    assert "| **measured** | sum tree in PyTorch | alone | no GPU in this machine |  |  |  |  |  |" in text
    assert "| **quoted** | PER on a GPU / AMPER's hardware in the paper |  | 55 to 270 times, its own |" in text
    assert "- sum tree in PyTorch could not take part: no GPU in this machine." in text
    assert "| **measured** | torch.multinomial, a GPU | back to back | 900 ns |  |  | 22.5 | 9 | 4.5 |" in text


def test_a_long_reason_is_told_below():
    text = markdown(comparison([replace(ABSENT, reason="x" * 41)]))
    assert "| could not take part, see below |" in text
    assert f"- sum tree in PyTorch could not take part: {'x' * 41}." in text


def test_the_picture(tmp_path):
    """With a time of the RTL also the ratios; the same bytes for the same entries."""
    wide, again, narrow = (tmp_path / name for name in ("wide.svg", "again.svg", "narrow.svg"))
    draw(comparison(), wide)
    draw(comparison(), again)
    draw(comparison([*OURS, PEER, ABSENT, PAPER]), narrow)
    assert wide.read_bytes() == again.read_bytes()
    widths = [int(re.search(r'width="(\d+)', file.read_text())[1]) for file in (wide, narrow)]
    assert widths[0] > widths[1]


def test_the_order_is_by_kind():
    assert [each.figure for each in ordered([PAPER, PEER, ENTRIES[0]])] == ["estimated", "measured", "quoted"]


def test_the_names_are_those_of_the_replays():
    from amper_lab.bench.gpu import REPLAYS

    assert tuple(REPLAYS) == GPU_NAMES
