"""Errors say who is to act, and carry the answer in each vocabulary."""

from __future__ import annotations

import pytest

import labserver as lab
from labserver.errors import LabError, NotConnected, Refused


def test_a_refusal_carries_its_answer() -> None:
    refused = Refused(
        413, "too_large", "Send less.", headers={"X": "y"}, close_code=1009, retry_after_s=2.0
    )
    assert str(refused) == refused.message == "Send less."
    assert (refused.status, refused.code, refused.close_code) == (413, "too_large", 1009)
    assert refused.headers == {"X": "y"}
    assert refused.retry_after_s == 2.0


def test_headers_are_shared_by_none() -> None:
    with pytest.raises(TypeError):
        Refused(400, "bad_json", "No.").headers["X"] = "y"  # type: ignore[index]


@pytest.mark.parametrize("error", [Refused, NotConnected])
def test_one_except_catches_all(error: type[Exception]) -> None:
    assert issubclass(error, LabError)
    assert getattr(lab, error.__name__) is error
