"""Letters for the tests of what letters say, and their text as it is read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import (
    Answered,
    LaterStage,
    Letter,
    Restored,
    Seen,
    Sender,
    Staged,
    WhyRestored,
)
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.letters import Addressee, finished_body, render, values_at_dispatch
from cjp_fraud.notices.model import NoticeKind

NIGHT = datetime(2015, 3, 31, 3, tzinfo=UTC)


LEFT = datetime(2015, 4, 1, 12, tzinfo=UTC)


SENDER = Sender("Example Cloud Ltd.", "disputes@provider.example", "+1 555 0100")


ZONE = "America/New_York"


def seen(**changes: object) -> Seen:
    fields: dict[str, object] = {
        "channel": "voice",
        "direction": "outbound",
        "application_id": "dialler-3",
        "interval_start": NIGHT,
        "interval_seconds": 300,
        "observed": 1412.0,
        "usual": 3.4,
        "p_value": 2.5e-5,
    }
    return Seen(**(fields | changes))  # type: ignore[arg-type]


def a_letter(kind: NoticeKind = NoticeKind.SUSPENSION, *flags: Seen) -> Letter:
    return Letter(
        kind=kind,
        case_reference="17",
        sender=SENDER,
        measure=MeasureKind.SUSPEND_CHANNEL,
        scope=Scope(channels=("voice",), directions=("outbound",)),
        seen=flags or (seen(),),
        grounds=("unusual_destinations", "unattended"),
        determined_at=NIGHT + timedelta(hours=1),
        lasts=timedelta(hours=72),
        until=LEFT + timedelta(days=6),
        began=LEFT - timedelta(days=1),
        restored=Restored(LEFT - timedelta(minutes=5), WhyRestored.LAPSED),
        term_concerned="Offer 10.0, 3.2",
        cure_until=LEFT + timedelta(days=10),
        consent="Order form 7, section 4.2",
        answered=Answered(LEFT - timedelta(days=2), LEFT - timedelta(days=1), upheld=False, in_force=True),
        staged=Staged(
            LEFT - timedelta(hours=1),
            (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+371",))),
            (LaterStage(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=300), LEFT + timedelta(hours=3)),),
            LEFT + timedelta(hours=9),
        ),
    )


def an_addressee(tag: str = "en", time_zone: str = ZONE, **changes: str | None) -> Addressee:
    to = Addressee(tag, "acme", time_zone, document="Offer 10.0", notice_clause=None)
    return replace(to, **changes)  # type: ignore[arg-type]


def filled(language: str = "en", time_zone: str = ZONE) -> dict[str, str]:
    dates = LetterDates(LEFT, LEFT, LEFT + timedelta(hours=72), LEFT + timedelta(days=30))
    return values_at_dispatch(
        dates, customer_name="Acme & Sons", notice_number="7-1", time_zone=time_zone, language=language
    )


def as_it_leaves(letter: Letter, tag: str = "en", time_zone: str = ZONE) -> str:
    rendered = render(letter, an_addressee(tag, time_zone))
    values = filled(rendered.language, time_zone)
    return wrapped(finished_body(rendered.body, values, rendered.language, simulated_clock=False))


def in_one_line(text: str) -> str:
    """Return a text as it was before its lines were broken; Japanese has no blanks between characters."""
    text = re.sub(r"(?<=[\u3000-\uffef])\n *(?=\S)|(?<=\S)\n *(?=[\u3000-\uffef])", "", text)
    return re.sub(r"[ \n\u00a0]+", " ", text)


def said_by(letter: Letter, tag: str = "en", time_zone: str = ZONE) -> str:
    return in_one_line(as_it_leaves(letter, tag, time_zone))
