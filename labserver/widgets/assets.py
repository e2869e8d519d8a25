"""The scripts and style sheets of the widgets, which stand beside them as files of their own.

anywidget loads one ES module per widget, from a string, so that the module has no address from
which it could import another. In the repository the scripts are ordinary ES modules all the same,
which a linter reads and `node --test` imports; here the modules that a widget's script imports are
put in front of it. That keeps to what two regular expressions can recognise:

- an import has the form `import { a, b } from "./file.mjs";`, with a relative path and no `as`;
- an export stands at the head of a declaration: `export function`, `export class`, `export const`;
  only a widget's own script has an `export default`;
- names at the top level are unique among the modules of one widget, which then share one scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const)\b)", re.MULTILINE)


def es_module(script: Path) -> str:
    """Return a widget's script and the modules that it imports as one ES module.

    Args:
        script: the file with the `export default` that anywidget asks for.
    """
    return "\n".join(_modules(script.resolve(), set()))


def stylesheet(*files: Path) -> str:
    """Return CSS files as one, in the given order."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _modules(file: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the text of each module once, after those that it imports."""
    seen.add(file)
    text = file.read_text(encoding="utf-8")
    for imported in IMPORT.findall(text):
        other = (file.parent / imported).resolve()
        if other not in seen:
            yield from _modules(other, seen)
    yield EXPORT.sub("", IMPORT.sub("", text))
