"""What of a notebook is the course's, what came from a run, and what a learner has changed.

Notebooks are plain JSON here: nbformat would validate every file, which takes longer than all the
rest of an unpacking, and a learner's notebook may be broken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SUFFIX = ".ipynb"
# What JupyterLab and others note down when a notebook is merely opened, run or saved.
_OF_A_RUN = frozenset({"ExecuteTime", "collapsed", "execution", "scrolled", "trusted"})
_OF_A_VIEW = _OF_A_RUN | {"deletable", "editable", "jupyter", "slideshow", "vscode"}
_FOR_NBVAL = "nbval-"
_NOT_A_NOTEBOOK = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


def clear_outputs(notebook: Any) -> None:
    """Remove the outputs and execution counts of a notebook, in place."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def learners_edition(content: bytes) -> bytes:
    """Make the notebook that a learner gets of an executed one.

    Args:
        content: the file's.

    Returns:
        The same cells without outputs, execution counts, tags for nbval, and what else a run or
        a tool has left in the metadata.
    """
    notebook = json.loads(content)
    clear_outputs(notebook)
    metadata = notebook["metadata"]
    notebook["metadata"] = {
        "kernelspec": metadata["kernelspec"],
        "language_info": {"name": metadata["language_info"]["name"]},
    }
    for cell in notebook["cells"]:
        kept = {k: v for k, v in cell["metadata"].items() if k not in _OF_A_RUN}
        tags = [tag for tag in kept.pop("tags", ()) if not tag.startswith(_FOR_NBVAL)]
        cell["metadata"] = kept | ({"tags": tags} if tags else {})
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def is_notebook(content: bytes) -> bool:
    """Return whether a file's content is a notebook that JupyterLab can open."""
    try:
        _essence(content)
    except _NOT_A_NOTEBOOK:
        return False
    return True


def fingerprint(name: str, content: bytes) -> str:
    """Return a hash that changes exactly when somebody has changed the file.

    Args:
        name: the file's name, which tells notebooks from other files.
        content: the file's.

    Returns:
        Of a notebook, the hash of its cells: their sources, outputs, attachments, ids, and metadata
        of meaning. Opening and saving it in JupyterLab does not change it. Of any other file,
        and of a broken notebook, the hash of its bytes.
    """
    if name.endswith(SUFFIX):
        try:
            content = json.dumps(_essence(content), sort_keys=True).encode()
        except _NOT_A_NOTEBOOK:
            pass
    return hashlib.sha256(content).hexdigest()


def _essence(content: bytes) -> list[list[Any]]:
    return [
        [
            cell.get("id"),
            cell["cell_type"],
            "".join(cell["source"]),
            cell.get("outputs") or [],
            cell.get("attachments") or {},
            _of_meaning(cell["metadata"]),
        ]
        for cell in json.loads(content)["cells"]
    ]


def _of_meaning(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if value and key not in _OF_A_VIEW}
