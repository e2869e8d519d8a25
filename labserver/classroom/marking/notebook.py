"""A notebook as marking sees it: cells with an id and a source; whatever else it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labserver.errors import LabError

BYTES_MAX = 50_000_000  # a notebook with pictures has a few


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell.

    Attributes:
        id: the cell's own; "" where the notebook's format has none.
        grade_id: nbgrader's; "" where there is none.
        solution: whether the learner writes in it.
        source: the code.
    """

    id: str
    grade_id: str
    solution: bool
    source: str


def read(path: Path) -> list[Cell]:
    """The code cells of a notebook.

    Raises:
        LabError: if it cannot be read, or is no notebook of format 4.
    """
    try:
        if path.stat().st_size > BYTES_MAX:
            raise LabError(
                f"{path.name} has more than {BYTES_MAX / 1e6:.0f} MB: clear its outputs."
            )
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LabError(f"{path.name} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise LabError(f"{path.name} is no notebook: its JSON is broken. Save it again.") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise LabError(f"{path.name} is no notebook of format 4: open it in JupyterLab, and save.")
    return [_cell(cell) for cell in cells if _is_code(cell)]


def _is_code(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _cell(cell: dict[str, Any]) -> Cell:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = nbgrader if isinstance(nbgrader, dict) else {}
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return Cell(
        id=_text(cell.get("id")),
        grade_id=_text(marks.get("grade_id")),
        solution=marks.get("solution") is True,
        source="".join(_text(line) for line in lines),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
