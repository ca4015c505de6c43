"""HTML pages, each one file with everything in it, from Jinja templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def rendered(template: Path, values: Mapping[str, object]) -> str:
    """The page of a template; what is no ``Markup`` is escaped.

    Raises
    ------
    jinja2.UndefinedError : the template names a value that is not there.
    """
    import jinja2  # optional: only the pages need it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(values)
