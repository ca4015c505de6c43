"""`amper bench software`: everyone does the same work, times are what they are called, and nothing is left out."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from amper_cli.main import main
from amper_lab.bench import peers, software, timing
from amper_lab.bench.bounds import ARRAYS, CALL, LINES, RECORD_LINES, bound, probes
from amper_lab.bench.contestant import ALPHA, EPS, Contestant, MissingError, Workload
from amper_lab.bench.ours import MODES, build_ours, our_name
from amper_lab.bench.report import markdown
from amper_lab.bench.software import Plan, Results
from amper_report.environment import described, environment

ROWS = 500
FALSE_ALARM = 1e-6
PEERS_HERE = ("cpprb", "tianshou", "sumtree")  # TorchRL loads with one version of PyTorch only


def workload(payload: bool = True) -> Workload:
    return Workload(rows=ROWS, batch=64, payload=payload, seed=3)


def contestants(payload: bool) -> list[Contestant]:
    theirs = [peers.PEERS[name] for name in PEERS_HERE]
    return [
        *(build_ours(mode, workload(payload)) for mode in MODES),
        *(peer.build(workload(payload)) for peer in theirs if payload in peer.payloads),
    ]


@pytest.fixture(scope="module", params=[True, False], ids=["payload", "priorities"])
def everyone(request):
    return contestants(request.param), request.param


def drawn(contestant: Contestant, batches: int = 300) -> np.ndarray:
    # Copied at once: cpprb uses its arrays again.
    rows = [np.array(contestant.indices(contestant.sample()), dtype=np.int64) for _ in range(batches)]
    return np.concatenate(rows)


# --- the contestants ---------------------------------------------------------------------------------------------


def test_exact_contestants_draw_by_the_same_priorities(everyone):
    """PER's chance of each row, by chi-square: the fill, alpha and eps are the same for all."""
    chances = (workload().errors.astype(np.float64) + EPS) ** ALPHA
    chances /= chances.sum()
    bins = np.minimum((np.cumsum(chances) * 50).astype(int), 49)
    checked = []
    for contestant in everyone[0]:
        if contestant.name.startswith("amper") and contestant.name != "amper per":
            continue  # these are not proportional; test_sampler_distribution.py judges them
        counts = np.bincount(bins[drawn(contestant)], minlength=50)
        expected = np.bincount(bins, weights=chances, minlength=50) * counts.sum()
        assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM, contestant.name
        checked.append(contestant.name)
    assert {"amper per", "cpprb", "tianshou"} <= set(checked)


def test_updates_count_and_additions_are_taken(everyone):
    """After one row got a giant's error it is nearly always drawn; and `add` puts a row in."""
    for contestant in everyone[0]:
        if contestant.name in ("amper uniform", *map(our_name, MODES[1:5])):
            continue
        rows = np.array(contestant.indices(contestant.sample()), dtype=np.int64)
        contestant.update(
            list(rows) if contestant.name == "sumtree" else rows, contestant.errors(np.full(64, 1e9, np.float32))
        )
        assert np.isin(drawn(contestant, 5), rows).mean() > 0.95, contestant.name
        for store in (contestant.add, contestant.extend):
            if store is not None:
                store()


def test_a_batch_has_the_transitions_that_were_stored(everyone):
    held, payload = everyone
    if not payload:
        assert isinstance(held[0].sample(), tuple)
        return
    stored = workload().transitions(ROWS)
    for contestant in (build_ours("per", workload()), peers.build_cpprb(workload())):
        batch = contestant.sample()
        rows = np.asarray(contestant.indices(batch), dtype=np.int64)
        for name, column in stored.items():
            assert (batch[name].reshape(64, -1) == column[rows].reshape(64, -1)).all(), (contestant.name, name)


def test_memory_is_told_and_small_enough():
    """At most 24 bytes a row besides the transition, where tables of fixed size no longer count."""
    for mode in MODES:
        told = build_ours(mode, Workload(rows=20_000, batch=64, payload=False, seed=1)).memory_per_row
        assert told is not None
        assert 0 < told <= 24


def test_missing_library_says_why(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(peers, "import_module", absent)
    with pytest.raises(MissingError) as caught:
        peers.build_cpprb(workload())
    assert str(caught.value) == "No module named 'cpprb'. Install it by: pip install 'amper[bench]'"


def test_torchrl_without_its_extension_says_how_to_get_one(monkeypatch):
    def without_extension(name):
        if name == "torchrl._torchrl":
            raise ImportError("undefined symbol")
        return SimpleNamespace(__version__="1.2")

    monkeypatch.setattr(peers, "import_module", without_extension)
    with pytest.raises(MissingError) as caught:
        peers.build_torchrl_buffer(workload())
    assert str(caught.value) == (
        "the compiled extension of torchrl 1.2 with torch 1.2 does not load, without which there are no priorities. "
        f"{peers.TORCHRL_ENVIRONMENT}"
    )


# --- the clock ---------------------------------------------------------------------------------------------------


class Machine:
    """A clock that moves only when it is read (5 ns) or when one of its contestants works."""

    def __init__(self) -> None:
        self.now = 0
        self.calls: list[tuple[str, str]] = []

    def read(self) -> int:
        self.now += 5
        return self.now

    def contestant(self, name: str, sample: int, update: int, add: int | None) -> Contestant:
        drawn = iter(range(1_000_000))
        latest = [-1]

        def work(operation: str, nanoseconds: int) -> None:
            self.now += nanoseconds
            self.calls.append((name, operation))

        def sampled() -> int:
            work("sample", sample)
            latest[0] = next(drawn)
            return latest[0]

        def updated(rows: int, errors: np.ndarray) -> None:
            assert rows == latest[0], "an update is of the batch just drawn"
            assert errors.shape == (4,)
            work("update", update)

        adding = None if add is None else lambda: work("add", add)
        return Contestant(name, sampled, lambda batch: batch, updated, adding)


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter_ns=machine.read, process_time_ns=machine.read))
    return machine


def test_times_are_of_a_call_without_the_clock(machine):
    pair = [machine.contestant("a", 700, 300, 10), machine.contestant("b", 50, 20, None)]
    probe = {"p": lambda: setattr(machine, "now", machine.now + 3)}
    repeats = list(timing.measure(pair, probe, batch=4, calls=7, repeats=2, seed=1))
    assert repeats[0] == {
        ("a", "sample"): (700, 700),
        ("a", "update"): (300, 300),
        ("a", "add"): (10, 10),
        ("b", "sample"): (50, 50),
        ("b", "update"): (20, 20),
        ("p", "probe"): (3, 3),
    }
    times = timing.collect(repeats)
    assert [(each.contestant, each.operation) for each in times] == list(repeats[0])
    assert (times[0].wall == [700, 700]).all()


def test_other_memory_is_read_before_each_call_and_not_timed(machine, monkeypatch):
    touched = []
    monkeypatch.setattr(timing, "_toucher", lambda size: lambda: touched.append((size, machine.now)))
    one = machine.contestant("a", 700, 300, 10)
    (found,) = timing.measure([one], {}, batch=4, calls=7, repeats=1, seed=1, touched=64)
    assert found == {("a", "sample"): (700, 700), ("a", "update"): (300, 300), ("a", "add"): (10, 10)}
    assert touched[0][0] == 64
    assert len(touched) == 2 * 3 * 7
    monkeypatch.undo()
    assert timing._toucher(64)() == 8


def test_the_order_rotates(machine):
    three = [machine.contestant(name, 1, 1, None) for name in "abc"]
    first = []
    for _ in timing.measure(three, {}, batch=4, calls=2, repeats=4, seed=1):
        first.append(list(dict.fromkeys(name for name, _ in machine.calls)))
        machine.calls.clear()
    assert first == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_a_call_that_was_interrupted_does_not_count(machine):
    slow = iter([700] * 10 + [10**6] + [700] * 1000)
    contestant = machine.contestant("a", 0, 300, None)

    def sample() -> int:
        machine.now += next(slow)
        return contestant.sample()

    (found,) = timing.measure(
        [Contestant("a", sample, contestant.indices, contestant.update, None)], {}, batch=4, calls=9, repeats=1, seed=1
    )
    assert found["a", "sample"] == (700, 700)


# --- the bound ---------------------------------------------------------------------------------------------------


def test_bound_adds_the_call_and_the_lines():
    probe = {CALL: 40.0, ARRAYS: 300.0, LINES: 2048.0, RECORD_LINES: 4096.0}  # 2 ns and 4 ns a line
    whole, bare = workload(True), workload(False)
    assert bound("per", "update", bare, probe) == 40 + 64 * 3 * 2
    assert bound("per", "sample", bare, probe) == 300 + 64 * 3 * 2
    assert bound("per", "sample", whole, probe) == 300 + 64 * 3 * 2 + 64 * (1 + 44 / 64) * 4
    assert bound("amper-k", "update", bare, probe) == 40 + 64 * 2
    assert bound("per", "add", bare, probe) is None


def test_probes_can_be_called():
    assert set(probes(workload())) == {CALL, ARRAYS, LINES, RECORD_LINES}
    for probe in probes(workload()).values():
        probe()


# --- the command -------------------------------------------------------------------------------------------------


def test_ratios_are_taken_within_a_repeat(monkeypatch):
    """Twice as slow in every repeat is a ratio of 2, however much slower the machine becomes."""
    names = [our_name("per"), "cpprb"]
    slower = [{(name, "sample"): (k * f, k * f) for f, name in enumerate(names, 1)} for k in (1.0, 10.0, 100.0)]
    monkeypatch.setattr(software, "measure", lambda *_, **__: iter(slower))
    monkeypatch.setattr(software, "bound", lambda *_: None)
    plan = plan_of(modes=["per"], peers=["cpprb"], repeats=3)
    (line,) = software.run(plan, lambda _: None).ratios
    assert line["ratio"] == {"median": 2.0, "first_quartile": 2.0, "third_quartile": 2.0, "least": 2.0}


def plan_of(**changed) -> Plan:
    options = {"rows": [200], "batch": 8, "payloads": (False,), "modes": ["per"], "peers": [], "repeats": 1}
    return Plan(**{**options, "calls": 4, "seed": 1, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch": 0}, "batch must be at least 1, not 0"),
        ({"repeats": 0}, "repeats must be at least 1, not 0"),
        ({"calls": -1}, "calls must be at least 1, not -1"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"touched": -1}, "touched must be at least 0, not -1"),
        ({"rows": [5, 0]}, "rows must be 1 to 268435456, not 0"),
    ],
)
def test_illegal_plan(changed, message):
    with pytest.raises(ValueError, match=r".") as caught:
        plan_of(**changed)
    assert str(caught.value) == message


def test_steps_are_as_many_as_were_said():
    plan = plan_of(rows=[100, 200], payloads=(True, False), modes=["per", "amper-k"], peers=["sumtree"], repeats=2)
    said = []
    results = software.run(plan, said.append)
    assert len(said) == software.steps(plan)
    assert {line["contestant"] for line in results.times} == {"amper per", "amper-k", "sumtree"}


def test_report_names_who_is_missing_and_why():
    results = Results(missing={"cpprb": "it is not here."}, notes={"sumtree": "gives no weights"})
    facts = environment(("amper", "no-such-package"))
    assert "no-such-package" not in facts["versions"]
    text = markdown(plan_of(), results, facts)
    assert " ".join(described(facts).split()) in " ".join(text.split())  # however the lines are broken
    assert "- cpprb could not take part: it is not here." in text
    assert "- sumtree: gives no weights." in text


def test_command_prints_and_writes_everything(tmp_path, capsys):
    folder = tmp_path / "out"
    names = ["cpprb", "sumtree"]
    small = ["--rows", "300", "--batch", "8", "--repeats", "2", "--calls", "4", "--modes", "per", "amper-fr"]
    assert main(["bench", "software", *small, "--peers", *names, "-o", str(folder)]) == 0
    text = capsys.readouterr().out
    assert (folder / "software.md").read_text("utf-8") + "\n" == text
    saved = json.loads((folder / "software.json").read_text("utf-8"))
    assert saved["options"]["rows"] == [300]
    assert saved["environment"]["versions"]["cpprb"]
    keys = {(line["payload"], line["contestant"], line["operation"]) for line in saved["times"]}
    ours = {
        (payload, name, operation)
        for payload in (True, False)
        for name in ("amper per", "amper-fr", "cpprb")
        for operation in timing.OPERATIONS
    }
    assert keys == ours | {(False, "sumtree", operation) for operation in ("sample", "update", "add")}
    assert len(saved["ratios"]) == 2 * 4 * 2 + 2 * 3  # modes, operations, with and without; sumtree without only
    assert (folder / "software.svg").read_text("utf-8").count("<svg") == 1
    assert main(["bench", "software", *small, "--peers", "--touch", "1", "-o", str(folder)]) == 0
    assert "1 MB of other memory read before each call" in " ".join(capsys.readouterr().out.split())
    assert (folder / "software-touch1.json").exists()


def test_command_refuses_what_is_illegal(capsys):
    assert main(["bench", "software", "--rows", "0", "--peers"]) == 2
    assert capsys.readouterr().err == "amper bench software: error: rows must be 1 to 268435456, not 0\n"
