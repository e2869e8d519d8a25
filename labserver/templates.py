"""HTML from jinja2 templates, each of which stands beside the Python file that fills it.

Every value is escaped, because text from a chat or a trace is data and never markup. A template
that names a value which was not given fails at once.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """Return a template filled with values.

    jinja2 is imported with the first template, as most of the package does without it.

    Args:
        template: its path below `labserver/`, such as `"report/page.html"`.
        values: what the template names; a template marks HTML with `| safe`.

    Raises:
        jinja2.TemplateError: if there is no such template, or a value is missing.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
