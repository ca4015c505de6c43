"""The documentation: its examples do what they say, its links and the paths it names lead somewhere."""

import doctest
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
PAGES = [ROOT / name for name in TRACKED if name.endswith(".md") and (ROOT / name).exists()]
SOURCES = (".py", ".pyi", ".c", ".h", ".cpp", ".v", ".j2", ".toml", ".md", ".sh", "Makefile")
# Examples on each page, so that a page whose examples are not found fails.
EXAMPLES = {
    "docs/hardware/index.md": 4,
    "docs/reference/algorithm.md": 30,
    "docs/software/device.md": 8,
    "docs/software/index.md": 7,
    "docs/software/replay-buffer.md": 43,
    "docs/software/sampler.md": 15,
    "docs/software/sequences.md": 9,
    "docs/software/sharded.md": 9,
}


def name_of(page):
    return str(page.relative_to(ROOT))


def test_every_page_with_examples_is_known():
    with_examples = {name_of(page) for page in PAGES if re.search(r"(?m)^>>> ", page.read_text(encoding="utf-8"))}
    assert with_examples == {*EXAMPLES, "docs/software/adapters.md"}  # the last: tests/sw/adapters/test_examples.py


@pytest.mark.parametrize("page", EXAMPLES)
def test_examples(page):
    result = doctest.testfile(str(ROOT / page), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= EXAMPLES[page]


def test_readme_program():
    """The README's Python program draws 64 rows that exist."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)
    indices = names["indices"]
    assert indices.shape == (64,)
    assert ((indices >= 0) & (indices < 1000)).all()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file of the repository."""
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_lines_are_short(page):
    """At most 120 characters a line; a row of a table has no other line to go to."""
    lines = page.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if len(line) > 120 and not line.lstrip().startswith("|")] == []


def test_sources_name_pages_that_exist():
    """A comment, docstring or help text that names a page of docs/ names one that is there."""
    named = {
        (name, path)
        for name in TRACKED
        if name.endswith(SOURCES) and (ROOT / name).exists()
        for path in re.findall(r"\bdocs/[\w-]+(?:/[\w-]+)+\.(?:md|svg)\b", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert sorted((name, path) for name, path in named if not (ROOT / path).exists()) == []
