"""How far a plan is: what counts as received, what has failed, what is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis, proof_needed
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.notices.letter_standing import EventFacts, LetterFacts, awaited
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.progress import PlanFacts, letters_due, progress_of
from tests.notice_progress import permits_measure

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_step(
    number: int = 1,
    combine: Combine = Combine.ANY_OF,
    methods: int = 1,
    basis: Basis = Basis.SENT,
    wait: int = 0,
    unit: WaitUnit = WaitUnit.HOURS,
) -> NoticeStep:
    rule = MethodRule(EMAIL, basis, ("notice",))
    return NoticeStep(number, combine, (rule,) * methods, Wait(wait, unit))


def an_event(
    status: DeliveryStatus = DeliveryStatus.SENT,
    at: datetime = NOON,
    *,
    negative: bool = False,
    authenticated: bool = True,
) -> EventFacts:
    return EventFacts(f"{status}-{at}-{negative}", at, status, negative, authenticated, resolved=False)


def a_letter(
    name: str, *events: EventFacts, step: int = 1, place: int = 0, required: bool = True
) -> LetterFacts:
    sent = any(not event.negative and event.authenticated for event in events)
    failed = not sent and any(event.negative and event.authenticated for event in events)
    state = NoticeState.SENT if sent else NoticeState.FAILED if failed else NoticeState.PLANNED
    return LetterFacts(name, step, place, DeliveryStatus.SENT, required, state, sent, events)


def a_plan(
    steps: list[NoticeStep], *letters: LetterFacts, mode: PlatformMode = PlatformMode.ACT
) -> PlanFacts:
    return PlanFacts("plan", "case", mode, NoticeTerms(tuple(steps)), Calendars("UTC"), NOON, False, letters)


def due(facts: PlanFacts, at: datetime = NOON) -> list[str]:
    return [name for name, _ in letters_due(facts, at)]


def test_a_plain_plan_is_complete_once_its_letter_is_sent() -> None:
    before = progress_of(a_plan([a_step()], a_letter("a")), NOON)
    assert (before.step_complete, before.complete_at, before.next_due_at) == (False, None, NOON)
    after = progress_of(a_plan([a_step()], a_letter("a", an_event())), NOON)
    assert (after.step_complete, after.complete_at, after.failed) == (True, NOON, False)
    assert permits_measure(after, NOON)
    assert after.explanation[0].startswith("step 1: by email a notice counts when")


def test_nothing_permits_a_measure_in_observe_or_after_cancelling() -> None:
    facts = a_plan([a_step()], a_letter("a", an_event()))
    assert not permits_measure(progress_of(replace(facts, mode=PlatformMode.OBSERVE), NOON), NOON)
    assert not permits_measure(progress_of(replace(facts, cancelled=True), NOON), NOON)
    assert due(replace(a_plan([a_step()], a_letter("a")), cancelled=True)) == []


def test_every_address_of_a_method_is_needed() -> None:
    facts = a_plan([a_step()], a_letter("a", an_event()), a_letter("b"))
    assert not progress_of(facts, NOON).step_complete
    assert due(facts) == ["b"]


def test_a_replaced_address_is_served_and_decides_nothing() -> None:
    old = a_letter("old", an_event(DeliveryStatus.ATTEMPTED, negative=True), required=False)
    done = progress_of(a_plan([a_step()], a_letter("new", an_event()), old), NOON)
    assert done.step_complete
    assert not done.failed
    assert not done.contradictions
    assert due(a_plan([a_step()], a_letter("new", an_event()), a_letter("old", required=False))) == ["old"]
    only_old = a_plan([a_step()], a_letter("old", an_event(), required=False))
    assert not progress_of(only_old, NOON).step_complete


def test_any_of_falls_to_the_next_method_only_when_one_has_failed() -> None:
    steps = [a_step(methods=2)]
    assert due(a_plan(steps, a_letter("a"), a_letter("b", place=1))) == ["a"]
    refused = a_letter("a", an_event(DeliveryStatus.ATTEMPTED, negative=True))
    assert due(a_plan(steps, refused, a_letter("b", place=1))) == ["b"]
    assert not progress_of(a_plan(steps, refused, a_letter("b", place=1)), NOON).failed
    served = progress_of(a_plan(steps, refused, a_letter("b", an_event(), place=1)), NOON)
    assert served.step_complete
    both = a_plan(steps, refused, a_letter("b", an_event(DeliveryStatus.ATTEMPTED, negative=True), place=1))
    assert progress_of(both, NOON).failed
    assert due(both) == []


def test_all_of_needs_every_method_and_fails_with_the_first() -> None:
    steps = [a_step(combine=Combine.ALL_OF, methods=2)]
    assert due(a_plan(steps, a_letter("a"), a_letter("b", place=1))) == ["a", "b"]
    half = progress_of(a_plan(steps, a_letter("a", an_event()), a_letter("b", place=1)), NOON)
    assert not half.step_complete
    later = an_event(at=NOON + HOUR)
    whole = a_plan(steps, a_letter("a", an_event()), a_letter("b", later, place=1))
    assert progress_of(whole, NOON + HOUR).complete_at == NOON + HOUR
    refused = a_letter("b", an_event(DeliveryStatus.ATTEMPTED, negative=True), place=1)
    assert progress_of(a_plan(steps, a_letter("a", an_event()), refused), NOON).failed


def test_two_steps_follow_one_another_after_their_waits() -> None:
    steps = [a_step(wait=14, unit=WaitUnit.CALENDAR_DAYS), a_step(2, wait=24)]
    facts = a_plan(steps, a_letter("a", an_event()), a_letter("b", step=2))
    waiting = progress_of(facts, NOON + DAY)
    assert (waiting.current_step, waiting.step_complete) == (1, True)
    assert (waiting.complete_at, waiting.next_due_at) == (None, NOON + 14 * DAY)
    assert waiting.explanation[-1] == (
        "step 1: 14 calendar days on in UTC: 2015-04-16 12:00:00 UTC; then step 2 may follow"
    )
    assert due(facts, NOON + 13 * DAY) == []
    assert due(facts, NOON + 14 * DAY) == ["b"]
    assert progress_of(facts, NOON + 14 * DAY).current_step == 2
    served = a_letter("b", an_event(at=NOON + 14 * DAY + HOUR), step=2)
    done = progress_of(a_plan(steps, a_letter("a", an_event()), served), NOON + 15 * DAY)
    assert done.complete_at == NOON + 15 * DAY + HOUR
    assert not permits_measure(done, NOON + 15 * DAY)
    assert permits_measure(done, NOON + 15 * DAY + HOUR)


def test_a_bounce_after_receipt_contradicts_and_before_receipt_fails() -> None:
    bounce = an_event(DeliveryStatus.ATTEMPTED, NOON + HOUR, negative=True)
    late = progress_of(a_plan([a_step()], a_letter("a", an_event(), bounce)), NOON + DAY)
    assert [it.notice_id for it in late.contradictions] == ["a"]
    assert not permits_measure(late, NOON + DAY)
    assert not late.failed
    resolved = a_letter("a", an_event(), replace(bounce, resolved=True))
    assert permits_measure(progress_of(a_plan([a_step()], resolved), NOON + DAY), NOON + DAY)
    waiting = replace(a_letter("a", an_event(), bounce), basis=DeliveryStatus.DELIVERED)
    early = progress_of(a_plan([a_step(basis=Basis.DELIVERED)], waiting), NOON + DAY)
    assert early.failed
    assert not early.contradictions


def test_a_report_that_is_not_authenticated_proves_nothing_either_way() -> None:
    forged = an_event(DeliveryStatus.DELIVERED, authenticated=False)
    waiting = replace(a_letter("a", forged), basis=DeliveryStatus.DELIVERED)
    assert not progress_of(a_plan([a_step(basis=Basis.DELIVERED)], waiting), NOON).step_complete
    bounce = an_event(DeliveryStatus.ATTEMPTED, negative=True, authenticated=False)
    assert permits_measure(progress_of(a_plan([a_step()], a_letter("a", an_event(), bounce)), NOON), NOON)


events = st.builds(
    EventFacts,
    event_id=st.uuids().map(str),
    at=st.integers(0, 100).map(lambda hours: NOON + hours * HOUR),
    status=st.sampled_from(DeliveryStatus),
    negative=st.booleans(),
    authenticated=st.booleans(),
    resolved=st.booleans(),
)


@st.composite
def plans(draw: st.DrawFn) -> PlanFacts:
    steps, letters = [], []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        basis = draw(st.sampled_from(Basis))
        methods = draw(st.integers(1, 3))
        steps.append(a_step(number, draw(st.sampled_from(Combine)), methods, basis, draw(st.integers(0, 30))))
        for place in range(methods):
            for index in range(draw(st.integers(0, 2))):
                name = f"{number}-{place}-{index}"
                made = a_letter(name, *draw(st.lists(events, max_size=3)), step=number, place=place)
                letters.append(replace(made, basis=proof_needed(basis, EMAIL), required=draw(st.booleans())))
    return a_plan(steps, *letters)


@given(plans(), st.integers(0, 500))
def test_a_measure_is_never_permitted_without_a_received_letter_in_every_step(
    facts: PlanFacts, hours: int
) -> None:
    at = NOON + hours * HOUR
    found = progress_of(facts, at)
    if not permits_measure(found, at):
        return
    assert found.complete_at is not None
    for step in facts.terms.steps:
        received = [
            letter
            for letter in facts.letters
            if letter.step == step.number
            and letter.required
            and any(
                event.authenticated and not event.negative and event.status.reaches(letter.basis)
                for event in letter.events
            )
        ]
        assert received
        assert not any(
            event.negative and event.authenticated and not event.resolved
            for letter in received
            for event in letter.events
        )


@given(plans(), st.integers(0, 500))
def test_only_letters_that_are_still_open_and_whose_step_is_due_are_sent(
    facts: PlanFacts, hours: int
) -> None:
    at = NOON + hours * HOUR
    open_letters = {
        letter.notice_id: letter
        for letter in facts.letters
        if letter.state in (NoticeState.PLANNED, NoticeState.DEFERRED)
    }
    current = progress_of(facts, at).current_step
    for name, due_at in letters_due(facts, at):
        assert due_at <= at
        assert open_letters[name].step <= current


def test_what_was_sent_says_from_what_it_counts_and_how_far_it_has_come() -> None:
    def counting_from_delivery(*events: EventFacts) -> LetterFacts:
        return replace(a_letter("a", *events), basis=DeliveryStatus.DELIVERED)

    silent = awaited([counting_from_delivery(an_event())]) or ""
    assert "counts it from delivered, and nothing that came back shows more than sent" in silent
    forged = an_event(DeliveryStatus.DISPLAYED, authenticated=False)
    relayed = counting_from_delivery(an_event(), an_event(DeliveryStatus.RELAYED), forged)
    assert "shows more than relayed" in (awaited([relayed, a_letter("b", an_event())]) or "")
    assert awaited([counting_from_delivery(an_event(DeliveryStatus.DELIVERED))]) is None
    assert awaited([a_letter("not sent yet")]) is None
