"""HTML from templates: values are data, and none may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, UndefinedError
from markupsafe import Markup

from labserver import templates


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The package's own environment, with one template of the test's."""
    (tmp_path / "say.html").write_text("<p>{{ text }}</p>\n")
    made = templates._environment().overlay()
    made.loader = type(made.loader)(tmp_path)  # type: ignore[misc, call-arg]
    monkeypatch.setattr(templates, "_environment", lambda: made)
    return made


@pytest.mark.usefixtures("environment")
def test_text_is_escaped_and_markup_is_not() -> None:
    assert templates.render("say.html", text="<b>&") == "<p>&lt;b&gt;&amp;</p>"
    assert templates.render("say.html", text=Markup("<b>&amp;</b>")) == "<p><b>&amp;</b></p>"


@pytest.mark.usefixtures("environment")
def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="text"):
        templates.render("say.html")
