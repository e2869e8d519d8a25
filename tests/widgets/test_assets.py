"""The widgets' scripts: each module is whole, as the browser gets it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import anywidget
import pytest

import labserver
from labserver.practice.asking.explain import Explanation
from labserver.practice.asking.predict import Comparison, Prediction
from labserver.practice.asking.recall import Recall
from labserver.practice.exercise_panel import ExercisePanel
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.browser import BrowserPane
from labserver.widgets.chat import ChatWidget
from labserver.widgets.inspector import Inspector

WIDGET_CLASSES = [
    BrowserPane,
    ChatWidget,
    Comparison,
    ExercisePanel,
    Explanation,
    Inspector,
    Prediction,
    Recall,
]
SCRIPTS = sorted(Path(labserver.__file__).parent.rglob("*.mjs"))


def write(folder: Path, **modules: str) -> Path:
    """Write modules, one file each, and return the path of the last."""
    for name, text in modules.items():
        (folder / f"{name}.mjs").write_text(text, encoding="utf-8")
    return folder / f"{list(modules)[-1]}.mjs"


def test_a_module_comes_after_those_that_it_imports_and_each_comes_once(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        ground='export const GROUND = "ground";\n',
        middle='import { GROUND } from "./ground.mjs";\n\nexport function middle() {}\n',
        top='import { GROUND } from "./ground.mjs";\nimport {\n  middle,\n} from "./middle.mjs";\n'
        "export default { GROUND, middle };\n",
    )
    lines = [line for line in es_module(script).splitlines() if line]
    assert lines == [
        'const GROUND = "ground";',
        "function middle() {}",
        "export default { GROUND, middle };",
    ]


def test_modules_that_import_each_other_come_once_too(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        one='import { two } from "./two.mjs";\nexport async function one() {}\n',
        two='import { one } from "./one.mjs";\nexport class two {}\n',
    )
    assert es_module(script) == "async function one() {}\n\nclass two {}\n"


def test_style_sheets_are_joined_in_their_order(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f".{name} {{}}\n", encoding="utf-8")
    assert stylesheet(tmp_path / "b", tmp_path / "a") == ".b {}\n\n.a {}\n"


@pytest.mark.parametrize("widget", WIDGET_CLASSES, ids=lambda widget: widget.__name__)
def test_a_widgets_module_imports_nothing_and_exports_its_default(
    widget: type[anywidget.AnyWidget],
) -> None:
    assert re.findall(r"^(?:import|export)\b.*", str(widget._esm), re.MULTILINE) == [
        line for line in str(widget._esm).splitlines() if line.startswith("export default ")
    ]
    assert str(widget._esm).count("export default ") == 1


@pytest.mark.node
@pytest.mark.parametrize("widget", WIDGET_CLASSES, ids=lambda widget: widget.__name__)
def test_a_module_defines_each_name_once(
    widget: type[anywidget.AnyWidget], node: str, tmp_path: Path
) -> None:
    module = tmp_path / "module.mjs"
    module.write_text(str(widget._esm), encoding="utf-8")
    checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_text_becomes_html(script: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write",
        script.read_text(encoding="utf-8"),
    )
