"""What each kind of letter says that others do not: warnings, breaches, answers, ends, and letters that follow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from cjp_fraud.notices.letter_facts import Announced, Answered, Restored, WhyRestored, WhyWithdrawn, Withdrawn
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.notices.letter_phrases import place_in_sequence
from cjp_fraud.notices.letters import finished_body, render
from cjp_fraud.notices.model import NoticeKind
from tests.letter_texts import LEFT, a_letter, an_addressee, as_it_leaves, filled, in_one_line, said_by


def test_a_warning_says_that_nothing_is_found_yet_and_what_the_customer_can_do() -> None:
    body = said_by(replace(a_letter(NoticeKind.CONDITIONAL_WARNING), grounds=(), determined_at=None))
    for told in (
        "It has not been determined whether it is fraudulent, and nothing is restricted because of this letter alone.",
        "From: not before 1 April 2015 at 08:00 (12:00 UTC). For how long: at most 72 hours.",
        "tell us before 1 April 2015 at 08:00",
        "You may dispute this notice until 1 May 2015",
    ):
        assert told in body
    assert "was determined" not in body


def test_a_notice_of_breach_names_the_term_and_the_time_to_put_it_right() -> None:
    body = said_by(a_letter(NoticeKind.BREACH))
    assert "this term of the contract is not met: Offer 10.0, 3.2. This says nothing about who caused" in body
    assert "Please see to it until 11 April 2015 at 08:00 (12:00 UTC) that this traffic ends" in body


@pytest.mark.parametrize(
    ("upheld", "in_force", "said"),
    [
        (True, True, "The restriction is being lifted."),
        (True, False, "The restriction is not in force"),
        (False, True, "The restriction stays as announced, until 7 April 2015"),
    ],
)
def test_the_answer_to_a_dispute_says_what_was_decided_and_what_follows(
    upheld: bool, in_force: bool, said: str
) -> None:
    answered = Answered(LEFT - timedelta(days=2), LEFT, upheld, in_force)
    body = said_by(replace(a_letter(NoticeKind.DISPUTE_ANSWER), answered=answered))
    assert said in body
    assert ("decided your dispute in your favour" in body) is upheld
    assert ("came to the same finding" in body) is not upheld
    assert "We received your dispute on 30 March 2015" in body


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (WhyRestored.LAPSED, "its time had run out and nobody had decided to keep it longer"),
        (WhyRestored.DECIDED, "authorised staff of ours decided to lift it"),
        (WhyRestored.DISPUTE_UPHELD, "your dispute was decided in your favour"),
    ],
)
def test_the_reinstatement_says_that_service_was_restored_when_and_why(why: WhyRestored, said: str) -> None:
    letter = replace(a_letter(NoticeKind.REINSTATEMENT), restored=Restored(LEFT, why))
    rendered = render(letter, an_addressee())
    assert rendered.subject == "Your service was restored, case 17"
    body = said_by(letter)
    assert "The temporary restriction in case 17 ended on 1 April 2015 at 08:00 (12:00 UTC):" in body
    assert "Service was restored then: what had been restricted is available again." in body
    assert said in body
    assert "is suspended" not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_of_an_end_has_its_own_words(language: str) -> None:
    bodies = {
        said_by(replace(a_letter(NoticeKind.REINSTATEMENT), restored=Restored(LEFT, why)), language)
        for why in WhyRestored
    }
    assert len(bodies) == len(WhyRestored)


def test_the_continuation_says_until_when_why_and_how_to_dispute() -> None:
    body = said_by(a_letter(NoticeKind.REAFFIRMATION))
    for said in (
        "The temporary restriction in case 17 is kept: Suspension of the voice channel (outbound only).",
        "Until: 7 April 2015 at 08:00 (12:00 UTC) at the latest.",
        "Two authorised members of our staff looked at your traffic since the restriction began",
        "They found that usage had risen unusually again: - Voice, outbound",
        "On 31 March 2015 at 00:00 (04:00 UTC) the traffic",
        "The traffic ran while",
        "You may dispute this notice until 1 May 2015",
    ):
        assert said in body
    quiet = said_by(replace(a_letter(NoticeKind.REAFFIRMATION), seen=()))
    assert "They found no further unusual increase in usage" in quiet
    assert "Voice, outbound" not in quiet


@pytest.mark.parametrize(
    ("language", "first", "second", "dates"),
    [
        (
            "en",
            "This is notice 1 of 2. The next one follows before a restriction begins.",
            "This is notice 2 of 2, the last one before the restriction begins.",
            "the latest beginning and the earliest end hold.",
        ),
        (
            "de",
            "Dies ist Mitteilung 1 von 2. Die nächste folgt, bevor eine Einschränkung beginnt.",
            "Dies ist Mitteilung 2 von 2, die letzte vor dem Beginn der Einschränkung.",
            "so gelten der späteste Beginn und das früheste Ende.",
        ),
        ("ja", "全2通のうち1通目です。", "全2通のうち2通目で、", "最も遅い開始日時と最も早い終了日時"),
    ],
)
def test_a_notice_of_several_says_which_it_is_and_which_dates_hold(
    language: str, first: str, second: str, dates: str
) -> None:
    rendered = render(replace(a_letter(), in_sequence=True), an_addressee(language))
    for step, place, other in ((1, first, second), (2, second, first)):
        values = filled(language) | {"sequence": place_in_sequence(step, 2, language)}
        body = in_one_line(finished_body(rendered.body, values, language, simulated_clock=False))
        assert place in body
        assert other not in body
        assert dates in body
    alone = finished_body(
        render(a_letter(), an_addressee(language)).body, filled(language), language, simulated_clock=False
    )
    assert dates not in in_one_line(alone)


ANNOUNCED = (Announced("0a1b2c-1", LEFT), Announced("3d4e5f-2.2", LEFT + timedelta(minutes=30)))


@pytest.mark.parametrize(
    ("language", "one", "two", "since"),
    [
        (
            "en",
            "our notice 0a1b2c-1 of 1 April 2015 at 08:00 (12:00 UTC)",
            "our notices 0a1b2c-1 of",
            "In force since: ",
        ),
        (
            "de",
            "unsere Mitteilung 0a1b2c-1 vom 1. April 2015 um 08:00 Uhr",
            "unsere Mitteilungen 0a1b2c-1 vom",
            "In Kraft seit: ",
        ),
        (
            "fr",
            "notre avis 0a1b2c-1 du 1er avril 2015 à 8 h 00",
            "nos avis 0a1b2c-1 du",
            "En vigueur depuis le ",
        ),
        (
            "es",
            "nuestro aviso 0a1b2c-1 del 1 de abril de 2015 a las 08:00",
            "nuestros avisos 0a1b2c-1 del",
            "En vigor desde el ",
        ),
    ],
)
def test_letters_that_follow_name_the_notice_before_them(
    language: str, one: str, two: str, since: str
) -> None:
    for kind in (NoticeKind.REAFFIRMATION, NoticeKind.WITHDRAWAL):
        letter = replace(a_letter(kind), announced=ANNOUNCED[:1], began=LEFT)
        assert one in said_by(letter, language)
        assert two in said_by(replace(letter, announced=ANNOUNCED), language)
        assert (since in said_by(letter, language)) is (kind is NoticeKind.REAFFIRMATION)
        text = as_it_leaves(letter, language)
        assert "\n\n\n" not in text
        assert not re.search(r"\S[ \u00a0]{2,}|\( | \)|\.\.|[ \n],|,,", text)


@pytest.mark.parametrize(
    ("language", "upheld", "begun"),
    [
        ("en", "because your dispute was decided in your favour", "may have been in force for a time"),
        ("de", "dass Ihrem Einspruch stattgegeben wurde", "zeitweise wirksam gewesen"),
        ("fr", "parce que votre contestation a été accueillie", "a pu être en vigueur"),
        ("es", "porque su impugnación fue estimada", "la restricción estuviera en vigor"),
    ],
)
def test_a_withdrawal_says_why_and_whether_anything_may_have_begun(
    language: str, upheld: str, begun: str
) -> None:
    plain = replace(a_letter(NoticeKind.WITHDRAWAL), announced=ANNOUNCED[:1])
    for why in WhyWithdrawn:
        for may_have_begun in (True, False):
            said = said_by(replace(plain, withdrawn=Withdrawn(why, may_have_begun)), language)
            assert (upheld in said) is (why is WhyWithdrawn.DISPUTE_UPHELD)
            assert (begun in said) is may_have_begun
