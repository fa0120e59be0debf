"""Grounds: what each speaks of."""

from __future__ import annotations

from itertools import product

import pytest

from cjp_fraud.contracts.restriction import CHANNELS, DIRECTIONS
from cjp_fraud.review.grounds import Ground, fits, misfitting

STREAMS = tuple(product(CHANNELS, DIRECTIONS))


@pytest.mark.parametrize("stream", STREAMS)
def test_every_traffic_has_grounds_and_no_traffic_has_all(stream: tuple[str, str]) -> None:
    fitting = [ground for ground in Ground if fits(ground, [stream])]
    assert 2 <= len(fitting) < len(Ground)


@pytest.mark.parametrize("ground", Ground)
def test_every_ground_fits_some_traffic(ground: Ground) -> None:
    assert any(fits(ground, [stream]) for stream in STREAMS)


@pytest.mark.parametrize(
    ("ground", "streams", "holds"),
    [
        (Ground.BLOCKED_LINES, [("voice", "outbound")], False),
        (Ground.BLOCKED_LINES, [("voice", "inbound")], True),
        (Ground.BLOCKED_LINES, [("voice", "outbound"), ("voice", "inbound")], True),
        (Ground.BLOCKED_LINES, [("voice", "outbound"), ("chat", "inbound")], False),
        (Ground.FEIGNED_CONTACTS, [("voice", "inbound")], False),
        (Ground.FEIGNED_CONTACTS, [("email", "inbound")], True),
        (Ground.PUMPED_MESSAGES, [("sms", "outbound")], True),
        (Ground.PUMPED_MESSAGES, [("voice", "outbound")], False),
        (Ground.UNATTENDED, [("social", "inbound")], True),
        (Ground.COSTLY_DESTINATIONS, [("chat", "outbound")], False),
        (Ground.CALLS_WITHOUT_CONVERSATION, [("voice", "outbound")], False),
    ],
)
def test_a_ground_fits_traffic_that_it_speaks_of(
    ground: Ground, streams: list[tuple[str, str]], holds: bool
) -> None:
    assert fits(ground, streams) is holds
    assert (misfitting([ground], streams) == ()) is holds


def test_the_sentence_names_the_traffic_and_what_fits() -> None:
    [said] = misfitting([Ground.BLOCKED_LINES, Ground.UNATTENDED], [("voice", "outbound")])
    assert "blocked_lines speaks of other traffic than what was flagged (voice outbound)" in said
    assert "automated_calls" in said
    assert "feigned_contacts" not in said


def test_of_unknown_traffic_nothing_is_said() -> None:
    assert misfitting(tuple(Ground), ()) == ()
