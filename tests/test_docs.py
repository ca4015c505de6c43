"""The examples in the documentation do what they say."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_examples_of_the_algorithm():
    """Every worked example of the page that defines the algorithm."""
    result = doctest.testfile(str(ROOT / "docs/reference/algorithm.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 30


def test_readme_program():
    """The README's Python program draws 64 rows that exist."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)
    indices = names["indices"]
    assert indices.shape == (64,)
    assert ((indices >= 0) & (indices < 1000)).all()


PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file of the repository."""
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing
