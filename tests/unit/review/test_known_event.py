"""Known events: what may be entered, which traffic one explains, and whose roles reach it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Reach
from cjp_fraud.review.known_event import (
    Concerned,
    KnownEventKind,
    KnownEventView,
    KnownEventWanted,
    checked,
    is_seen_by,
    may_enter_for,
)
from cjp_fraud.review.model import CauseKind

AT = datetime(2015, 4, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SALE = KnownEventWanted(KnownEventKind.CAMPAIGN, "the spring sale", AT, AT + HOUR)
ON_RECORD = KnownEventView(
    "0198", SALE.kind, SALE.words, None, "voice", (), AT, AT + HOUR, "rita", AT, False, None, None
)
VOICE_IN_FRANCE = (Reach(frozenset({"voice"}), frozenset({"FR"})),)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"words": " "}, "say in a few words"),
        ({"words": "x" * 401}, "401 characters"),
        ({"begins_at": AT.replace(tzinfo=None)}, "moments need a zone"),
        ({"ends_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "a year from 2000"),
        ({"ends_at": AT}, "it must end after it begins"),
        ({"ends_at": AT + timedelta(days=367)}, "366 days at most"),
        ({"channel": "fax"}, "'fax' is no channel"),
        ({"countries": ("ZZ",)}, "'ZZ' is no country"),
        ({"countries": ("FR",), "tenant_id": "acme"}, "leave them out"),
    ],
)
def test_what_cannot_be_an_event_is_refused_with_the_reason(changes: dict[str, object], why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        checked(replace(SALE, **changes))


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(BadInputError, match=r"few words.*no channel.*no country"):
        checked(replace(SALE, words="", channel="fax", countries=("ZZ",)))


@pytest.mark.parametrize(
    ("channel", "start", "end", "explained"),
    [
        ("voice", AT, AT + HOUR, True),
        ("voice", AT - HOUR, AT + timedelta(seconds=1), True),
        ("voice", AT - HOUR, AT, False),
        ("voice", AT + HOUR, AT + 2 * HOUR, False),
        ("sms", AT, AT + HOUR, False),
    ],
)
def test_an_event_explains_traffic_of_its_channel_that_overlaps_its_time(
    channel: str, start: datetime, end: datetime, explained: bool
) -> None:
    assert ON_RECORD.explains(channel, start, end) is explained


def test_the_kind_of_the_cause_follows_from_the_record() -> None:
    kinds = {kind: replace(ON_RECORD, kind=kind).cause_kind for kind in KnownEventKind}
    assert kinds.pop(KnownEventKind.SOURCE_OUTAGE) is CauseKind.SOURCE_OUTAGE
    assert set(kinds.values()) == {CauseKind.KNOWN_EVENT}


@pytest.mark.parametrize(
    ("channel", "countries", "may_enter", "sees"),
    [
        ("voice", {"FR"}, True, True),
        ("voice", {"FR", "US"}, False, True),
        ("voice", set(), False, True),
        (None, {"FR"}, False, True),
        ("sms", {"FR"}, False, False),
        ("voice", {"US"}, False, False),
        ("voice", {None}, False, False),
    ],
)
def test_a_narrowed_role_enters_what_lies_within_it_and_sees_what_touches_it(
    channel: str | None, countries: set[str | None], may_enter: bool, sees: bool
) -> None:
    concerned = Concerned(channel, frozenset(countries))
    assert may_enter_for(VOICE_IN_FRANCE, concerned) is may_enter
    assert is_seen_by(VOICE_IN_FRANCE, concerned) is sees
    assert may_enter_for(None, concerned)
    assert is_seen_by(None, concerned)
