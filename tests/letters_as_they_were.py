"""Letters that counsel had read in four languages before their words moved into catalogues; a test holds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import (
    Announced,
    Letter,
    Restored,
    Seen,
    Sender,
    WhyRestored,
    WhyWithdrawn,
    Withdrawn,
)
from cjp_fraud.notices.letter_measures import measure_in_words
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.letters import (
    Addressee,
    fill_at_dispatch,
    finished_body,
    render,
    values_at_dispatch,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.grounds import Ground

FOUR = ("en", "fr", "de", "es")
ZONE = "America/New_York"
NIGHT = datetime(2015, 3, 31, 3, tzinfo=UTC)
LEFT = datetime(2015, 4, 1, 12, tzinfo=UTC)
ANNOUNCED = (Announced("0a1b2c-1", LEFT), Announced("3d4e5f-2.2", LEFT + timedelta(minutes=30)))
KINDS = (
    NoticeKind.SUSPENSION,
    NoticeKind.WITHDRAWAL,
    NoticeKind.REINSTATEMENT,
    NoticeKind.REAFFIRMATION,
)


def all_that_was_said(language: str) -> str:
    """Return every phrase of a language: rich and poor letters of each kind, and every measure."""
    letters = [each for kind in KINDS for each in _letters(kind)]
    return "\n\n=====\n\n".join([*(_told(each, language) for each in letters), _measures(language)]) + "\n"


def _told(letter: Letter, language: str) -> str:
    rendered = render(letter, Addressee(language, "acme", ZONE, "Offer 10.0", "§ 12.9"))
    dates = LetterDates(LEFT, LEFT, LEFT + timedelta(hours=72), LEFT + timedelta(days=30))
    values = values_at_dispatch(
        dates, customer_name="Acme & Sons", notice_number="7-1", time_zone=ZONE, language=language
    )
    body = finished_body(rendered.body, values, language, simulated_clock=not letter.sender.contact)
    return f"{letter.kind}: {fill_at_dispatch(rendered.subject, values)}\n\n{wrapped(body)}"


def _letters(kind: NoticeKind) -> list[Letter]:
    rich = Letter(
        kind=kind,
        case_reference="17",
        sender=Sender("Example Cloud Ltd.", "disputes@provider.example", "+1 555 0100"),
        measure=MeasureKind.SUSPEND_CHANNEL,
        scope=Scope(channels=("voice",), directions=("outbound",)),
        seen=_series(),
        grounds=tuple(Ground),
        determined_at=NIGHT + timedelta(hours=1),
        lasts=timedelta(hours=72),
        until=LEFT + timedelta(days=6),
        restored=Restored(LEFT - timedelta(minutes=5), WhyRestored.LAPSED),
        announced=ANNOUNCED,
        began=LEFT,
        withdrawn=Withdrawn(WhyWithdrawn.DISPUTE_UPHELD, may_have_begun=True),
    )
    poor = replace(
        rich,
        sender=Sender("Example Cloud Ltd.", "disputes@provider.example"),
        seen=rich.seen[:1] if kind is NoticeKind.SUSPENSION else (),
        grounds=("unattended",),
        restored=Restored(LEFT, WhyRestored.DECIDED),
        announced=ANNOUNCED[:1] if kind is NoticeKind.WITHDRAWAL else (),
        began=None,
        withdrawn=None,
    )
    if kind is not NoticeKind.REINSTATEMENT:
        return [rich, poor]
    return [rich, poor, replace(poor, restored=Restored(LEFT, WhyRestored.DISPUTE_UPHELD))]


def _series() -> tuple[Seen, ...]:
    """Return flags at which words change: none, one, some, a million; one and several intervals; odds and none."""
    counts = ((0, 0, 0.9), (1, 1, 1 / 3), (2, 1412, 2.5e-5), (3_000_000, 2, 1 / 3_000_000), (1000, 0, 0.0))
    channels = ("voice", "chat", "email", "sms", "social")
    flags = [
        Seen(
            channels[place],
            ("outbound", "inbound")[place % 2],
            f"app-{place}" if place % 2 else None,
            NIGHT + timedelta(hours=13 * place, minutes=10),
            300,
            float(observed),
            float(usual),
            p_value,
        )
        for place, (observed, usual, p_value) in enumerate(counts)
    ]
    later = [replace(flag, interval_start=flag.interval_start + timedelta(minutes=5)) for flag in flags[2:4]]
    more = [replace(flags[0], channel="fax", application_id=f"x-{number}") for number in range(7)]
    return (*flags, *later, *more)


def _measures(language: str) -> str:
    lines = []
    for kind, several, narrow in product(MeasureKind, (False, True), (False, True)):
        size = 2 if several else 1
        scope = Scope(
            channels=("voice", "sms")[:size],
            directions=("outbound",) if narrow else (),
            principal_ids=("rosa@acme.example", "9f86d081884c7d659a2feaa0c55ad015")[-size:],
            application_ids=("bot", "dialler")[:size],
            destination_prefixes=("+37060", "+882")[:size],
            origins=("+1900", "+1976")[:size],
            contacts_per_hour=60 if several else 1,
        )
        lines.append(f"{kind}: {measure_in_words(kind, scope, language)}")
    return "\n".join(lines)
