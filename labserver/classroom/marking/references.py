"""The solved notebooks: which of them a learner's belongs to, and which of its cells count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labserver.classroom.marking.notebook import CodeCell, read
from labserver.course import source
from labserver.errors import LabError
from labserver.practice.checking.exercise import ids


@dataclass(frozen=True, slots=True)
class Reference:
    """A solved notebook.

    Attributes:
        name: its file's, without the suffix.
        cells: its code cells.
    """

    name: str
    cells: tuple[CodeCell, ...]

    @property
    def answers(self) -> dict[str, CodeCell]:
        """The cell with the answer to each exercise, in the notebook's order."""
        known = set(ids())
        return {c.grade_id: c for c in self.cells if c.solution and c.grade_id in known}

    def place(self, cells: Sequence[CodeCell]) -> tuple[dict[str, CodeCell], list[CodeCell]]:
        """Sort a learner's cells.

        Returns:
            The answers by exercise: the cell with the answer's id, or otherwise the first whose
            metadata name the exercise; and the learner's own cells, whose ids are not in this
            notebook.
        """
        ours = {cell.id for cell in self.cells}
        marked = {cell.grade_id for cell in self.cells} - {""}
        found: dict[str, CodeCell] = {}
        for exercise, answer in self.answers.items():
            by_id = [cell for cell in cells if cell.id == answer.id]
            by_mark = [c for c in cells if c.grade_id == exercise and c.id not in ours]
            if same := (by_id or by_mark):
                found[exercise] = same[0]
        taken = [id(cell) for cell in found.values()]
        own = [
            cell
            for cell in cells
            if id(cell) not in taken
            and cell.id not in ours
            and (cell.grade_id not in marked or cell.grade_id in found)
        ]
        return found, own


def find_references(folder: Path | None = None) -> list[Reference]:
    """Find the solved notebooks.

    Args:
        folder: the folder they are in; None for the course's.

    Raises:
        LabError: if there are none.
    """
    place = folder or source.root() / source.SOLUTIONS
    found = [Reference(path.stem, tuple(read(path))) for path in sorted(place.glob("*.ipynb"))]
    solved = [reference for reference in found if reference.answers]
    if not solved:
        raise LabError(
            f"There are no solved exercises in {place}: give --reference FOLDER, the folder"
            " exercises/solutions of the repository."
        )
    return solved


def belongs_to(cells: Sequence[CodeCell], references: Sequence[Reference]) -> Reference | None:
    """Return the reference that shares the most answers with a notebook, or None."""
    most = max(references, key=lambda reference: len(reference.place(cells)[0]))
    return most if most.place(cells)[0] else None
