"""No run of the tests or the notebooks counts as the progress of whoever runs it."""

from __future__ import annotations

import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Give the kernels a state folder of their own, as long as the session lasts."""
    state = tempfile.TemporaryDirectory()
    patch = pytest.MonkeyPatch()
    patch.setenv("LABSERVER_STATE", state.name)
    config.add_cleanup(state.cleanup)
    config.add_cleanup(patch.undo)
