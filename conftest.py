"""What every run of pytest has, of tests and of notebooks: a state folder of its own.

The kernels in which nbval runs notebooks inherit it, so that no run reads or changes the secret,
the mailbox and the progress of whoever started it.
"""

from __future__ import annotations

import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Set the folder for as long as this process, or this worker, runs tests."""
    state = tempfile.TemporaryDirectory(prefix="labserver-", ignore_cleanup_errors=True)
    patch = pytest.MonkeyPatch()
    patch.setenv("LABSERVER_STATE", state.name)
    patch.delenv("LABSERVER_SECRET", raising=False)
    config.add_cleanup(state.cleanup)
    config.add_cleanup(patch.undo)
