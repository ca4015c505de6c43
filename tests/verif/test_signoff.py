"""Sign-off: what is kept, what is run again, what makes it fail, and the page."""

import json
from dataclasses import replace

import pytest

from amper_cli.main import main
from amper_cli.verification.signoff import STAGES as NAMED
from amper_report.environment import environment
from amper_spec.errors import ToolError
from amper_verif.native.soak import Total
from amper_verif.signoff import signoff as runner
from amper_verif.signoff import stages
from amper_verif.signoff.page import overview, page
from amper_verif.signoff.plan import FULL, QUICK, TINY, Check, Soak
from amper_verif.signoff.signoff import signoff
from amper_verif.signoff.stages import STAGES, Found, configured
from amper_verif.verify import verify

PASSED = {"label": "one", "passed": True, "calls": 5, "compared": 7, "mismatches": 0}


@pytest.fixture
def runs(monkeypatch):
    """Stages that find ``runs.rows``; the names of those that were run."""

    class Runs(list):
        rows = (PASSED,)

    made = Runs()

    def stage(name):
        def run(plan, folder, say):
            made.append(name)
            (folder / "left").touch()
            return Found(list(made.rows))

        return run

    monkeypatch.setattr(runner, "STAGES", {name: stage(name) for name in STAGES})
    return made


def facts():
    """Of this machine, as a sign-off has them."""
    return environment(()) | {"simulators": {}}


def quiet(text):
    """Say nothing."""


def test_every_plan_is_of_legal_configurations():
    for plan in (QUICK, FULL):
        assert all(configured(values) for values in plan.prove)
        assert all(configured(check.values) for check in plan.verify)
        assert all(configured(asked.values).bus == "native" for asked in plan.mutate)
    assert tuple(STAGES) == NAMED
    presets = {check.values.get("preset") for check in FULL.verify}
    assert {"small", "paper", "fast"} <= presets


def test_a_stage_that_finished_is_kept(tmp_path, runs):
    found = signoff(QUICK, tmp_path, say=quiet)
    assert found["passed"]
    assert runs == list(STAGES)
    assert json.loads((tmp_path / "signoff.json").read_text()) == found
    assert signoff(QUICK, tmp_path, say=quiet)["stages"] == found["stages"]
    assert runs == list(STAGES)
    assert not list(tmp_path.rglob("left"))

    (tmp_path / "prove.json").unlink()
    signoff(QUICK, tmp_path, say=quiet)
    assert runs == [*STAGES, "prove"]


def test_other_sources_and_another_plan_are_run(tmp_path, runs, monkeypatch):
    signoff(QUICK, tmp_path, say=quiet)
    signoff(replace(QUICK, prove=()), tmp_path, say=quiet)
    assert runs == [*STAGES, "prove"]
    monkeypatch.setattr(runner, "sources_digest", lambda: "others")
    signoff(QUICK, tmp_path, names=("soak",), say=quiet)
    assert runs == [*STAGES, "prove", "soak"]


def test_what_failed_is_kept_and_fails(tmp_path, runs):
    runs.rows = (PASSED, PASSED | {"passed": False})
    for _ in range(2):
        found = signoff(QUICK, tmp_path, names=("soak",), say=quiet)
        assert not found["passed"]
    assert runs == ["soak"]
    assert "| Soak | 2 | **1 failed** |" in overview(found)
    runs.rows = ()
    assert not signoff(QUICK, tmp_path, names=("verify",), say=quiet)["passed"]


def test_a_missing_tool_fails_and_is_run_again(tmp_path, runs, monkeypatch):
    def missing(plan, folder, say):
        runs.append("missing")
        raise ToolError("no tool\nat all")

    monkeypatch.setitem(runner.STAGES, "soak", missing)
    for _ in range(2):
        found = signoff(QUICK, tmp_path, say=quiet)
        assert not found["passed"]
    assert runs == [*("missing" if name == "soak" else name for name in STAGES), "missing"]
    assert "| Soak | 0 | **not run**: no tool | - |" in overview(found)


def test_a_sampler_that_is_wrong_fails(tmp_path, monkeypatch):
    """One that never writes a row; what comes behind it is run all the same."""

    def broken(config, **named):
        def mutate(verilog):
            assert verilog.count("write_refused = ") == 1
            return verilog.replace("write_refused = ", "write_refused = !")

        return verify(config, **named, mutate=mutate)

    monkeypatch.setattr(stages, "verify", broken)
    checks = tuple(Check("tiny", TINY, ("icarus",), batches=batches, corners=False) for batches in (3, 4))
    found = stages.verified(replace(QUICK, verify=checks), tmp_path, quiet)
    assert not found.passed
    assert [row["passed"] for row in found.rows] == [False, False]
    assert all(row.get("mismatches") or row["error"] for row in found.rows)


def test_a_soak_that_is_too_short_says_so(tmp_path, monkeypatch):
    """However well it went; it goes on from what was kept."""
    total = Total(calls=40, compared=90, mismatches=0, rounds=1, kinds={"OK": 40})
    asked_for = []
    monkeypatch.setattr(stages, "soak", lambda file, **asked: asked_for.append(asked))
    monkeypatch.setattr(stages, "totals", lambda file: dict.fromkeys(("one row", "Q = 4"), total))
    for asked, passed in ((80, True), (81, False)):
        soak = Soak(("one row", "Q = 4"), 40, asked=asked)
        found = stages.soaked(replace(QUICK, soak=soak), tmp_path, quiet)
        assert found.passed == passed
    assert asked_for[0] == {"rounds": 2, "calls": 40, "names": ("one row",)}
    text = page(
        {
            "environment": facts(),
            "sources": "",
            "stages": {"soak": {"rows": found.rows, "passed": False, "cpu_seconds": 1}},
        },
        "",
    )
    assert "| one row | 40 | 90 | 0 | passed |" in text
    assert "by what a sample's status was: OK 80." in " ".join(text.split())
    assert "| together | 80 of 81 asked for | 180 | 0 | **missed** |" in text


def test_the_command(tmp_path, capsys, runs):
    assert main(["signoff", "--quick", "--only", "soak", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| Soak | 1 | passed |" in said
    text = (tmp_path / "trust.md").read_text()
    words = " ".join(text.split())
    assert "by `amper signoff --quick --only soak`" in words
    assert "| one | 5 | 7 | 0 | passed |" in text
    runs.rows = (PASSED | {"passed": False},)
    other = tmp_path / "other"
    assert main(["signoff", "--only", "soak", "--json", "--page", str(tmp_path / "p.md"), "-o", str(other)]) == 1
    assert not json.loads(capsys.readouterr().out)["passed"]
    assert "| one | 5 | 7 | 0 | **failed** |" in (tmp_path / "p.md").read_text()
    with pytest.raises(SystemExit):
        main(["signoff", "--only", "soak", "soak"])
    assert "each value must be given once, and soak comes twice" in capsys.readouterr().err
