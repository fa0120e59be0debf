"""What letters say of a measure: what it restricts, whose access, and by which clause and provision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.notices.letter_measures import measure_in_words
from cjp_fraud.notices.letters import render
from tests.letter_texts import a_letter, an_addressee


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MeasureKind)
@pytest.mark.parametrize("several", [False, True])
def test_every_measure_can_be_told_in_every_language(language: str, kind: MeasureKind, several: bool) -> None:
    def some(*names: str) -> tuple[str, ...]:
        return names if several else names[:1]

    scope = Scope(
        channels=some("voice", "sms"),
        directions=some("outbound", "inbound"),
        principal_ids=some("secret-hash", "other-hash"),
        application_ids=some("bot", "dialler"),
        destination_prefixes=some("+37060", "+882"),
        origins=some("+1900", "+1976"),
        contacts_per_hour=60 if several else 1,
    )
    said = measure_in_words(kind, scope, language)
    assert said.endswith((".", "。"))
    assert not set("${}⟦⟧") & set(said)
    assert "secret-hash" not in said
    assert "(s)" not in said
    assert "  " not in said


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ("rosa@acme.example", "rosa@acme.example"),
        ("sip:4711@pbx.acme.example", "sip:4711@pbx.acme.example"),
        ("rosa.miller", "rosa.miller"),
        ("agent-0042", "agent-0042"),
        ("sk_live_51H8x", "ending in “1H8x”"),
        ("AKIAIOSFODNN7EXAMPLE", "ending in “MPLE”"),
        ("9f86d081884c7d659a2feaa0c55ad015", "ending in “d015”"),
        ("3f2a9c1e-77aa-4b0e-9d52-0e6f5a1b2c3d", "ending in “2c3d”"),
        ("secret", "ending in “et”"),
        ("x" * 200, "ending in “xxxx”"),
    ],
)
def test_the_letter_names_whose_access_is_suspended_and_no_secret_whole(principal: str, told: str) -> None:
    said = measure_in_words(MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=(principal,)), "en")
    assert said == f"Suspension of the access of the user, credential or key {told}."


@pytest.mark.parametrize("language", LANGUAGES)
def test_several_are_all_named(language: str) -> None:
    scope = Scope(principal_ids=("rosa", "adam", "9f86d081884c7d659a2feaa0c55ad015"))
    said = measure_in_words(MeasureKind.SUSPEND_PRINCIPAL, scope, language)
    assert "rosa" in said
    assert "adam" in said
    assert "d015" in said
    assert "9f86" not in said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Suspension of the voice and SMS channels (outbound only)."),
        ("fr", "Suspension des canaux voix et SMS (sens sortant uniquement)."),
        ("de", "Sperre der Kanäle Sprache und SMS (nur ausgehend)."),
        ("es", "Suspensión de los canales de voz y SMS (solo sentido saliente)."),
    ],
)
def test_a_measure_on_two_channels_is_in_the_plural(language: str, said: str) -> None:
    scope = Scope(channels=("voice", "sms"), directions=("outbound",))
    assert measure_in_words(MeasureKind.SUSPEND_CHANNEL, scope, language) == said


def test_the_clause_is_named_in_the_language_of_the_letter() -> None:
    body = render(a_letter(), an_addressee("de", notice_clause="§ 12.9")).body
    assert "Offer 10.0, Ziffer 2.4 (Mitteilungen: § 12.9): Nach vorheriger Mitteilung" in body


@pytest.mark.parametrize(
    ("clause", "notices", "said"),
    [
        ("12", "§ 9", "Offer 10.0, Ziffer 12 (Mitteilungen: § 9): Nach vorheriger"),
        ("12", None, "Offer 10.0, Ziffer 12: Nach vorheriger"),
        (None, "§ 9", "Offer 10.0 (Mitteilungen: § 9): Nach vorheriger"),
        (None, None, "Offer 10.0: Nach vorheriger"),
    ],
)
def test_the_clause_is_the_one_that_counsel_entered_and_none_where_none_was(
    clause: str | None, notices: str | None, said: str
) -> None:
    assert said in render(a_letter(), an_addressee("de", clause=clause, notice_clause=notices)).body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_measure_without_prior_notice_names_the_provision_that_allows_it(language: str) -> None:
    told = render(replace(a_letter(), provision="fraudulent use (7.2)"), an_addressee(language)).body
    assert "fraudulent use (7.2)" in told
    assert ("without prior notice: fraudulent use (7.2)." in told) == (language == "en")
    assert "fraudulent use" not in render(a_letter(), an_addressee(language)).body
