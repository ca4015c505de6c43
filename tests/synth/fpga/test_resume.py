"""A step of a flow is taken again only when its inputs have changed, or it had not ended."""

import pytest

from amper_synth.tools.resume import once


@pytest.fixture
def flow(tmp_path):
    """A step that counts how often it is taken; it copies ``source`` to ``product``."""
    taken = []
    source, product = tmp_path / "source", tmp_path / "product"
    source.write_text("a", encoding="utf-8")

    def step():
        taken.append(source.read_text(encoding="utf-8"))
        product.write_text(taken[-1], encoding="utf-8")

    def run(text="tool 1", step=step):
        return once(step, record=tmp_path / "record", text=text, uses=[source], makes=[product])

    return run, taken, source, product


def test_the_same_inputs_are_not_used_twice(flow):
    run, taken, source, product = flow
    assert [run(), run(), run()] == [True, False, False]
    source.write_text("b", encoding="utf-8")
    assert [run(), run()] == [True, False]
    assert [run("tool 2"), run("tool 2")] == [True, False]
    product.unlink()
    assert run("tool 2")
    assert taken == ["a", "b", "b", "b"]


def test_a_step_that_was_stopped_is_taken_again(flow):
    run, taken, source, _ = flow
    run()
    source.write_text("b", encoding="utf-8")

    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(step=stopped)
    source.write_text("a", encoding="utf-8")  # the old record would fit again
    assert run()
    assert taken == ["a", "a"]
