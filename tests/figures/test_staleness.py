from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.figures.staleness import staleness


def test_the_title_says_what_was_measured() -> None:
    figure = staleness([0.1, 0.2, 0.3], interval_s=0.4)
    assert figure.layout.title.text.replace("<br>", " ") == (
        "Polled every 400 ms, a message is 200 ms old on arrival: 0.50 of the interval"
    )
    assert list(figure.data[0].x) == [100, 200, 300]


def test_no_message_is_an_error_and_not_an_empty_picture() -> None:
    with pytest.raises(LabError, match="No messages"):
        staleness([], interval_s=1)
