from __future__ import annotations

from collections.abc import Iterator

import ipywidgets
import pytest

from labserver.widgets.window import Window


@pytest.fixture(autouse=True)
def no_widgets_from_elsewhere() -> Iterator[None]:
    ipywidgets.Widget.close_all()
    yield
    ipywidgets.Widget.close_all()


def test_a_box_whose_windows_are_closed_does_not_hold_up_the_next_page() -> None:
    alice, bob = Window(), Window()
    outer = ipywidgets.VBox([ipywidgets.HBox([alice, bob])])
    alice.close()
    bob.close()
    ipywidgets.Widget.get_manager_state()  # what a page asks for when it is loaded
    assert outer.comm is None


def test_a_box_keeps_the_windows_that_are_open() -> None:
    alice, bob = Window(), Window()
    box = ipywidgets.HBox([alice, bob])
    alice.close()
    assert box.children == (bob,)
    assert set(ipywidgets.Widget.get_manager_state()["state"]) >= {box.model_id, bob.model_id}


def test_a_window_can_be_closed_twice() -> None:
    window = Window()
    window.close()
    window.close()
    assert window.comm is None
