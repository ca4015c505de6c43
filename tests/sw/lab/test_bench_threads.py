"""`amper bench threads` runs, and says what it counted."""

from __future__ import annotations

import re

import numpy as np
import pytest

from amper_cli.main import main
from amper_lab.bench import threads
from amper_lab.bench.threads import Plan, markdown


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr(threads, "IMAGES", 1000)
    monkeypatch.setattr(threads, "ROWS", 1000)
    assert main(["bench", "threads", "--seconds", "0.02", "--repeats", "2", "--batch", "16"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"Batches of 16 images of 84 x 84: [\d,]+ a second by one thread", " ".join(text.split()))
    assert re.search(r"\| beside \| [\d,.]+ \| [\d,]+ \| [\d,]+ \| [\d,]+ \|", text)


def test_what_is_told():
    found = {"scaling": [1.5, 2.0, 1.9], "rate": [100.0] * 3, "alone": [1.0] * 10, "beside": [*np.arange(100.0), 500.0]}
    text = markdown(Plan(1.0, 3, 256), found)
    assert "100 a second by one thread, 1.90 times as many by two (1.70 to 1.95, quartiles of 3 repeats" in text
    assert "| beside | 50.0 | 99 | 500 | 101 |" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [((0.0, 1, 1), "seconds must be above 0, not 0.0"), ((1.0, 0, 1), "repeats must be at least 1, not 0")],
)
def test_illegal_plan(options, message):
    with pytest.raises(ValueError, match=r".") as caught:
        Plan(*options)
    assert str(caught.value) == message
