"""The documentation site: ``make docs`` builds it into build/docs; a warning is an error."""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("sw", "hw", "verif", "synth", "cli")]

project = "AMPER"
copyright = "the AMPER authors; Apache-2.0"
release = version_of("amper")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_copybutton"]
exclude_patterns = ["README.md", "**/README.md"]

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 4  # links to headings work as they do on a code host

# The docstrings are of the numpydoc style, types are in the signatures.
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name for name in ("ArrayLike", "Mode", "Weights", "BoolArray", "IndexArray", "WeightArray")
}
maximum_signature_line_length = 100
smartquotes_action = "D"  # dashes alone: quotation marks are of Python here
python_use_unqualified_type_names = True
# Optional libraries are not needed to read what stands in front of them.
autodoc_mock_imports = ["torch", "torchrl", "tensordict", "tianshou", "stable_baselines3", "sb3_contrib", "gymnasium"]

html_theme = "furo"
html_title = f"AMPER {release}"
html_static_path = ["_static"]
html_css_files = ["amper.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

_NAMED = re.compile(r"(?:^|(?<=[.;:)] ))(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) : ")


def one_entry_a_line(app, what, name, obj, options, lines):
    """Docstrings write short sections as prose, ``n : rows. m : groups``; napoleon wants an entry a line."""
    made, section, entry = [], False, []

    def finish():
        text = " ".join(line.strip() for line in entry)
        entry.clear()
        found = list(_NAMED.finditer(text))
        if not found and text:
            made.append(text)
        for match, after in zip(found, [*found[1:], None][: len(found)], strict=True):
            end = after.start() if after else len(text)
            made.extend([match["names"], f"    {text[match.end() : end].strip()}"])

    for index, line in enumerate(lines):
        underlined = index + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[index + 1])
        if underlined:
            finish()
            section = line in ("Parameters", "Attributes", "Raises", "Returns")
        begins = _NAMED.match(line)
        if section and not underlined and not re.fullmatch(r"-{3,}", line) and line:
            if begins:
                finish()
            if begins or entry:
                entry.append(line)
                continue
        finish()
        if not line and section and made and made[-1] and not re.fullmatch(r"-{3,}", made[-1]):
            section = False
        made.append(line)
    finish()
    lines[:] = map(as_plain_text, made)


def as_plain_text(line):
    """Bars and stars are of formulas here (|CSP|, n * Q), not markup; what is between backquotes stays."""
    parts = re.split(r"(``.*?``)", line)
    return "".join(part if part.startswith("``") else re.sub(r"([|*])", r"\\\1", part) for part in parts)


def setup(app):
    """Connect what goes before napoleon, which has priority 500, and what goes after it."""
    sentences = {}

    def keep(app, what, name, obj, options, lines):
        # Of "The part that decides: equal in ..." napoleon would make a type and a text.
        if what in ("property", "attribute", "data"):
            # Nor does a field of a named tuple need the text that Python makes up for it.
            sentences[name] = [as_plain_text(line) for line in lines if not line.startswith("Alias for field number")]

    def put_back(app, what, name, obj, options, lines):
        lines[:] = sentences.pop(name, lines)

    app.connect("autodoc-process-docstring", keep, priority=300)
    app.connect("autodoc-process-docstring", one_entry_a_line, priority=400)
    app.connect("autodoc-process-docstring", put_back, priority=600)
