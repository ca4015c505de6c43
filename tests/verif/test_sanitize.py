"""The compiled core under sanitizers: which core a program then has, and that what is wrong is reported."""

import subprocess
from pathlib import Path

import pytest

from amper.cores import _core
from amper_verif.signoff import sanitize
from amper_verif.signoff.sanitize import CORE, Sanitized, SanitizeError, build, main, run

OVERRUN = """\
#include <stdlib.h>
int main(int count, char **words) {
    volatile char *place = malloc(4);
    return place[3 + count] & 0;
}
"""


def test_a_program_has_that_core(tmp_path):
    """A copy stands for the sanitized one, which takes long to build."""
    other = tmp_path / "_core.so"
    other.write_bytes(Path(_core.__file__).read_bytes())
    program = f"import {CORE} as core, sys; print(core.__file__); from amper import Sampler; Sampler(3, compiled=True)"
    found = run("address,undefined", other, ["-c", program], tmp_path)
    assert found == Sanitized(0, f"{other}\n", "")
    assert found.passed
    assert not run("address,undefined", other, ["-c", "raise SystemExit(3)"], tmp_path).passed


def test_a_report_fails(tmp_path):
    """Whatever the exit code: this program runs another, which reads behind its memory."""
    source = tmp_path / "overrun.c"
    source.write_text(OVERRUN)
    subprocess.run(["cc", "-g", "-fsanitize=address", "-o", tmp_path / "overrun", source], check=True)
    program = f"import subprocess; subprocess.run([{str(tmp_path / 'overrun')!r}])"
    found = run("address,undefined", tmp_path / "none.so", ["-c", program], tmp_path)
    assert found.code == 0
    assert "heap-buffer-overflow" in found.reports
    assert not found.passed


def test_bad_input(tmp_path, monkeypatch, capsys):
    with pytest.raises(ValueError, match="kind must be one of address,undefined or thread, not 'memory'"):
        build("memory", tmp_path)
    monkeypatch.setattr(sanitize.amper, "__file__", str(tmp_path / "a/b/c.py"))
    with pytest.raises(SanitizeError, match=r"the sanitizers need a checkout of the sources, and .* is none"):
        build("thread", tmp_path)
    assert main(["thread", "-c", "pass"]) == 2
    assert "sanitize: error: the sanitizers need a checkout" in capsys.readouterr().err


def test_no_such_library(monkeypatch):
    monkeypatch.setenv("CC", "echo")
    with pytest.raises(SanitizeError, match=r"echo has no libasan\.so"):
        sanitize._library("libasan.so")


@pytest.mark.long
@pytest.mark.parametrize("kind", sanitize.KINDS)
def test_a_sanitized_core(tmp_path, kind):
    core = build(kind, tmp_path)
    program = "from amper import Sampler; s = Sampler(9, compiled=True); s.extend(count=9); print(s.sample(2)[0].size)"
    assert run(kind, core, ["-c", program], tmp_path).said == "2\n"
