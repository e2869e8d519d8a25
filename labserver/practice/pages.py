"""Write the pages of docs/ that are made of data.

    python -m labserver.practice.pages docs

`make docs` calls it, and a test compares the pages with what it would write.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from labserver.practice import glossary
from labserver.practice.note import claims

PAGES: Mapping[str, Callable[[], str]] = {"glossary.md": glossary.page, "note.md": claims.page}


def main(arguments: list[str] | None = None) -> None:
    """Write each page into a folder."""
    parser = argparse.ArgumentParser(description="Write the pages of docs/ that are made of data.")
    parser.add_argument("folder", type=Path, help="the folder to write to")
    folder = parser.parse_args(arguments).folder
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
