"""Letters: what they say, what they never say, and what is left for the dispatch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError, meta

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letters import (
    AT_DISPATCH,
    DISPATCHED,
    LANGUAGES,
    MOST_SERIES,
    Letter,
    Seen,
    fill_at_dispatch,
    measure_in_words,
    render,
)
from cjp_fraud.notices.model import NoticeKind

NIGHT = datetime(2015, 3, 31, 3, tzinfo=UTC)
FILLED = {"dispatched_on": "1 April", "effective_from": "2 April", "notice_number": "7-1"}


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
        provider_name="Example Cloud",
        reply_to="disputes@provider.example",
        seen=flags or (seen(),),
        measure=MeasureKind.SUSPEND_CHANNEL,
        scope=Scope(channels=("voice",), directions=("outbound",)),
        lasts=timedelta(hours=72),
    )


def written(letter: Letter, tag: str = "en") -> str:
    rendered = render(letter, tag=tag, customer="acme", clause="Offer 10.0, clause 2.4")
    return fill_at_dispatch(rendered.body, FILLED)


def test_the_letter_says_what_it_must() -> None:
    body = written(a_letter())
    for said in (
        "2015-03-31 03:00 UTC",
        "1,412 contacts where 3 are usual",
        "once in 40,000 such intervals",
        "carried by dialler-3",
        "Offer 10.0, clause 2.4",
        "The following channel(s) are suspended: voice (directions: outbound).",
        "Not before: 2 April",
        "at most 3 days",
        "Emergency calls stay possible",
        "Write to disputes@provider.example and name case 17",
        "dispatched 1 April",
    ):
        assert said in body


def test_the_letter_accuses_no_customer_and_helps_no_fraudster() -> None:
    body = written(a_letter()).lower()
    for never in ("fraud by", "threshold", "score", "baseline", "model"):
        assert never not in body
    assert "the customer, who in most such cases is the victim" in " ".join(body.split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_exists_in_every_language_with_nothing_unfilled(language: str, kind: NoticeKind) -> None:
    rendered = render(a_letter(kind), tag=language, customer="acme", clause="clause 2.4")
    assert (rendered.language, rendered.template) == (language, f"{kind}.{language}")
    assert rendered.template_version.startswith("1, phrases 3")
    body = fill_at_dispatch(rendered.body, FILLED)
    assert not set("${}⟦⟧") & set(body + fill_at_dispatch(rendered.subject, FILLED))
    assert "acme" in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MeasureKind)
def test_every_measure_can_be_told_in_every_language(language: str, kind: MeasureKind) -> None:
    scope = Scope(
        channels=("voice", "sms"),
        directions=("outbound",),
        principal_ids=("secret-hash",),
        application_ids=("bot",),
        destination_prefixes=("+37060",),
        origins=("+1900",),
        contacts_per_hour=60,
    )
    said = measure_in_words(kind, scope, language)
    assert said.endswith(".")
    assert not set("${}⟦⟧") & set(said)
    assert "secret-hash" not in said


def test_in_french_the_tenant_is_le_client() -> None:
    assert "Au client" in written(a_letter(), "fr-CA")


def test_a_language_without_templates_is_refused_not_replaced() -> None:
    with pytest.raises(BadInputError, match="contract's language"):
        written(a_letter(), "pt")


@pytest.mark.parametrize(
    "words",
    [
        "$notice_number ${x} $$",
        "{{ case }} {% raw %} {# note #}",
        "⟦notice_number⟧ ⟦% if x %⟧ ⟦# note #⟧",
        "⟦⟦notice_number⟧⟧ ⟦",
        "<b>&amp;</b>",
    ],
)
def test_words_that_look_like_markup_stay_what_they_are(words: str) -> None:
    body = written(a_letter(NoticeKind.SUSPENSION, seen(application_id=words)))
    assert f"carried by {words}: from" in body


@given(st.text(max_size=40).filter(lambda words: "\r" not in words))
def test_no_words_of_people_are_read_as_a_template(words: str) -> None:
    rendered = render(a_letter(), tag="en", customer=words, clause=words)
    body = fill_at_dispatch(rendered.body, FILLED)
    assert f"Customer: {words}\n" in body
    assert f"\n{words}: after notice" in body


@pytest.mark.parametrize(
    ("tag", "contacts", "lasts"),
    [
        ("en", "1,412 contacts", "at most 36 hours;"),
        ("fr", "1\u202f412 contacts", "au plus 36\u00a0heures ;"),
        ("de", "1.412 Kontakte", "höchstens 36 Stunden;"),
        ("es-MX", "1.412 contactos", "como máximo 36 horas;"),
    ],
)
def test_numbers_and_durations_are_written_as_the_language_writes_them(
    tag: str, contacts: str, lasts: str
) -> None:
    body = written(replace(a_letter(), lasts=timedelta(hours=36)), tag)
    assert contacts in body
    assert lasts in body


def test_a_duration_is_never_rounded() -> None:
    assert "at most 36.5 hours" in written(replace(a_letter(), lasts=timedelta(hours=36, minutes=30)))
    assert "at most 1 hour;" in written(replace(a_letter(), lasts=timedelta(hours=1)))


def test_odds_too_small_to_tell_are_told_as_more_than() -> None:
    for p_value in (0.0, 5e-324, 1e-12, float("nan")):
        assert "once in more than 1,000,000,000" in written(
            a_letter(NoticeKind.SUSPENSION, seen(p_value=p_value))
        )


def test_flags_of_a_series_share_a_line_and_many_series_are_counted() -> None:
    later = seen(interval_start=NIGHT + timedelta(minutes=5), p_value=1e-3)
    body = written(a_letter(NoticeKind.SUSPENSION, later, seen()))
    assert "from 2015-03-31 03:00 UTC to 2015-03-31 03:10 UTC, 2 interval(s)" in body
    many = tuple(seen(application_id=f"app-{number:02}") for number in range(MOST_SERIES + 3))
    assert "- and 3 further series" in written(a_letter(NoticeKind.SUSPENSION, *many))


def test_the_dispatch_must_fill_every_placeholder() -> None:
    rendered = render(a_letter(), tag="en", customer="acme", clause="2.4")
    assert set(AT_DISPATCH) == meta.find_undeclared_variables(DISPATCHED.parse(rendered.body))
    with pytest.raises(UndefinedError):
        fill_at_dispatch(rendered.body, {"dispatched_on": "now"})


def test_all_templates_are_used() -> None:
    names = {entry.name for entry in (files("cjp_fraud.notices") / "templates").iterdir()}
    wanted = {f"{kind}.{language}.txt" for kind in NoticeKind for language in LANGUAGES}
    assert names == wanted | {f"phrases.{language}.toml" for language in LANGUAGES}
