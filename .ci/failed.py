"""Print what failed in the last run of pytest, a line each, to be run once more with `@FILE`.

A machine that many share may stop for a second, and a test that watches the clock fails with it.
More than FEW failures are no accident, and no record at all is a crash: there is nothing to repeat.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FEW = 10
RECORD = Path(".pytest_cache/v/cache/lastfailed")


def main() -> None:
    """Print the node ids; of a notebook its path, as a cell needs those before it."""
    failed = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    again = {name.partition("::")[0] if ".ipynb" in name else name for name in failed}
    if not 0 < len(again) <= FEW:
        sys.exit(f"{len(again)} failed: no second try.")
    print(*sorted(again), sep="\n")


if __name__ == "__main__":
    main()
