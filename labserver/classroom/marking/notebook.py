"""A notebook as marking sees it: code cells with an id and a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.reader import NotJSONError

from labserver.errors import LabError

BYTES_MAX = 50_000_000  # a notebook with pictures has a few


@dataclass(frozen=True, slots=True)
class CodeCell:
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


def read(path: Path) -> list[CodeCell]:
    """Read the code cells of a notebook, which may be of an older format.

    Raises:
        LabError: if the file cannot be read, or is not a notebook.
    """
    try:
        if path.stat().st_size > BYTES_MAX:
            raise LabError(
                f"{path.name} has more than {BYTES_MAX / 1e6:.0f} MB: clear its outputs."
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LabError(f"{path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise _broken(path) from None
    try:
        # Not nbformat.reads: it repairs ids that occur twice, and ids tell whose cell it is.
        notebook = nbformat.convert(nbformat.reader.reads(text), to_version=4)
        return [_cell(cell) for cell in notebook.cells if cell.cell_type == "code"]
    except (NotJSONError, RecursionError):
        raise _broken(path) from None
    except Exception as error:  # whatever nbformat meets in a file of another shape
        raise LabError(
            f"{path.name} is not a notebook that can be read: open it in JupyterLab, and save it."
        ) from error


def _broken(path: Path) -> LabError:
    return LabError(f"{path.name} is not a notebook: its JSON is broken. Save it again.")


def _cell(cell: Any) -> CodeCell:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    return CodeCell(
        id=str(cell.get("id", "")),
        grade_id=str(marks.get("grade_id", "")),
        solution=marks.get("solution") is True,
        source=str(cell.get("source", "")),
    )
