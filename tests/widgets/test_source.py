"""The widgets' scripts: each module is whole, as the browser gets it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anywidget
import pytest

from labserver.practice.progress.predict import Prediction
from labserver.widgets.browser import BrowserPane
from labserver.widgets.chat import ChatWidget
from labserver.widgets.inspector import Inspector
from labserver.widgets.source import WIDGETS, joined

WIDGET_CLASSES = [BrowserPane, ChatWidget, Inspector, Prediction]


def test_files_are_joined_in_their_order() -> None:
    both = joined("element.js", WIDGETS / "chat.css")
    assert both.index("function element") < both.index(".lab-chat")


@pytest.mark.node
@pytest.mark.parametrize("widget", WIDGET_CLASSES, ids=lambda widget: widget.__name__)
def test_a_module_defines_each_name_once(
    widget: type[anywidget.AnyWidget], node: str, tmp_path: Path
) -> None:
    module = tmp_path / "module.mjs"
    module.write_text(str(widget._esm), encoding="utf-8")
    checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("widget", WIDGET_CLASSES, ids=lambda widget: widget.__name__)
def test_no_text_becomes_html(widget: type[anywidget.AnyWidget]) -> None:
    assert "innerHTML" not in widget._esm
    assert "textContent" in widget._esm
