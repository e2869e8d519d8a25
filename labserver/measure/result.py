"""What was measured: a table with its conditions, and what it was measured on."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from labserver.clock import iso
from labserver.errors import LabError

if TYPE_CHECKING:
    import pandas

PACKAGES = (
    "labserver",
    "tornado",
    "starlette",
    "sse-starlette",
    "uvicorn",
    "websockets",
    "aiortc",
    "httpx2",
)


def environment() -> dict[str, Any]:
    """Return what this runs on, and when: what one needs to know to compare figures."""
    import psutil

    return {
        "date": iso(time.time()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": [round(load, 2) for load in psutil.getloadavg()],
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True)
class MeasuredResult:
    """A table of what was measured, with the conditions in its columns.

    Attributes:
        table: one row per measurement.
        environment: what it was measured on, recorded before the first measurement.
        notes: what to know when reading it, such as what was left out and why.
    """

    columns: ClassVar[Sequence[str]] = ()

    table: pandas.DataFrame
    environment: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the table as CSV, and the rest as JSON beside it.

        CSV needs nothing to be installed, and every program can read it.

        Args:
            path: the CSV file; the other file has the same name but ends in `.json`.

        Returns:
            The path of the CSV file.

        Raises:
            LabError: if it cannot be written, or its name does not end in `.csv`.
        """
        target = _csv(path)
        about = {"environment": self.environment, "notes": list(self.notes)}
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.table.to_csv(target, index=False)
            target.with_suffix(".json").write_text(json.dumps(about, indent=2), encoding="utf-8")
        except OSError as error:
            raise LabError(f"Cannot save to {target} ({error}): choose another place.") from error
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load what `save` has saved.

        Raises:
            LabError: if it cannot be read, or holds something else.
        """
        import pandas

        source = _csv(path)
        try:
            table = pandas.read_csv(source)
            about = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))
            found = cls(table, about["environment"], tuple(about["notes"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabError(f"Cannot read {source} ({error}): measure and save it again.") from error
        missing = set(cls.columns) - set(table.columns)
        if missing:
            raise LabError(
                f"{source} does not hold {cls.__name__.lower()}: {min(missing)!r} is missing."
            )
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.table):,} rows, {self.environment['date']}>"


def _csv(path: str | os.PathLike[str]) -> Path:
    given = Path(path)
    if given.suffix != ".csv":
        raise LabError(f"Give the name of a CSV file: {given.with_suffix('.csv').name!r}.")
    return given
