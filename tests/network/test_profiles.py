from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.network.link import Link
from labserver.network.profiles import LINKS, link_of


def test_every_link_with_a_name_says_where_its_figures_come_from() -> None:
    assert [name for name, link in LINKS.items() if len(link.source) < 20] == []


def test_no_two_names_mean_the_same_network() -> None:
    assert len({str(link) for link in LINKS.values()}) == len(LINKS)


def test_a_satellite_is_as_far_as_light_says() -> None:
    assert LINKS["satellite"].rtt_ms == pytest.approx(4 * 35_786 / 299_792 * 1000, abs=1)


def test_a_name_means_its_link_and_a_link_itself() -> None:
    own = Link(rtt_ms=3)
    assert link_of("slow_4g") is LINKS["slow_4g"]
    assert link_of(own) is own
    assert link_of(None) is None


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    with pytest.raises(LabError, match=r"no link 'slow-4g': did you mean 'slow_4g'\? choose"):
        link_of("slow-4g")
    with pytest.raises(LabError, match="no link 'moon': choose one of loopback, wifi"):
        link_of("moon")
