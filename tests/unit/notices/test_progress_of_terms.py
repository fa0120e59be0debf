"""How far a plan is under richer terms: conditions that undo a receipt, papers that must follow, periods, windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.enforcement_window import EnforcementWindows, Window
from cjp_fraud.contracts.holiday_list import calendars_for
from cjp_fraud.contracts.methods import COURIER, EMAIL, LETTER
from cjp_fraud.contracts.model import DeliveryStatus, Recipient
from cjp_fraud.contracts.periods import CountedFrom, Period, Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis, FollowUp, FollowUpWhen, ReceiptRule, UnlessFailure
from cjp_fraud.contracts.servable import methods_not_served
from cjp_fraud.contracts.stated import NOT_STATED
from cjp_fraud.contracts.terms import Combine, Force, Form, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.notices.letter_standing import EventFacts, LetterFacts
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans import served_roles
from cjp_fraud.notices.progress import PlanFacts, letters_due, progress_of

NOON = datetime(2026, 5, 22, 12, tzinfo=UTC)  # Friday, 08:00 in Toronto
HOUR = timedelta(hours=1)
TORONTO = calendars_for([], recipient_zone="America/Toronto", recipient_country="CA", year=2026)

WITHIN_AN_HOUR = ReceiptRule(
    offset=Period(1, WaitUnit.HOURS), unless_failure=UnlessFailure(Period(1, WaitUnit.HOURS))
)
HARD_COPY = FollowUp(LETTER, ("notice",), Period(10, WaitUnit.BUSINESS_DAYS))


def email(receipt: ReceiptRule = ReceiptRule(), force: Force | None = None) -> MethodRule:  # noqa: B008
    return MethodRule(EMAIL, Basis.SENT, ("notice",), receipt=receipt, force=force or NOT_STATED)


def event(
    at: datetime = NOON,
    status: DeliveryStatus = DeliveryStatus.SENT,
    *,
    negative: bool = False,
    sure: bool = True,
) -> EventFacts:
    return EventFacts(f"{status}-{at}", at, status, negative, sure, resolved=False)


def bounce(at: datetime, *, sure: bool = True) -> EventFacts:
    return event(at, DeliveryStatus.ATTEMPTED, negative=True, sure=sure)


def letter(place: int, *events: EventFacts, step: int = 1) -> LetterFacts:
    state = NoticeState.SENT if events else NoticeState.PLANNED
    return LetterFacts(f"{step}-{place}", step, place, DeliveryStatus.SENT, True, state, bool(events), events)


def a_plan(
    *letters: LetterFacts,
    methods: tuple[MethodRule, ...] = (email(WITHIN_AN_HOUR), MethodRule(COURIER, Basis.SENT, ("notice",))),
    combine: Combine = Combine.ANY_OF,
    calendars: Calendars = TORONTO,
    **more: object,
) -> PlanFacts:
    terms = replace(NoticeTerms((NoticeStep(1, combine, methods),)), **more)  # type: ignore[arg-type]
    return PlanFacts("plan", "case", PlatformMode.ACT, terms, calendars, NOON, False, letters)


def due(facts: PlanFacts, at: datetime) -> list[str]:
    return [name for name, _ in letters_due(facts, at)]


def test_a_failure_within_the_hour_undoes_the_receipt_and_the_next_method_follows() -> None:
    undone = a_plan(letter(0, event(), bounce(NOON + HOUR)), letter(1))
    progress = progress_of(undone, NOON + 2 * HOUR)
    assert (progress.complete_at, progress.failed, progress.contradictions) == (None, False, ())
    assert due(undone, NOON + 2 * HOUR) == ["1-1"]


def test_a_failure_after_the_hour_contradicts_and_undoes_nothing() -> None:
    late = a_plan(letter(0, event(), bounce(NOON + HOUR + timedelta(seconds=1))), letter(1))
    progress = progress_of(late, NOON + 2 * HOUR)
    assert progress.complete_at == NOON + HOUR
    assert [each.notice_id for each in progress.contradictions] == ["1-0"]
    assert due(late, NOON + 2 * HOUR) == []


def test_a_failure_that_is_not_authenticated_undoes_nothing() -> None:
    forged = a_plan(letter(0, event(), bounce(NOON, sure=False)), letter(1))
    assert progress_of(forged, NOON + 2 * HOUR).complete_at == NOON + HOUR


def test_where_the_clause_sets_no_limit_a_failure_undoes_the_receipt_whenever_it_comes() -> None:
    rule = email(ReceiptRule(unless_failure=UnlessFailure()))
    undone = a_plan(letter(0, event(), bounce(NOON + 100 * HOUR)), methods=(rule,))
    assert progress_of(undone, NOON + 101 * HOUR).failed
    assert progress_of(undone, NOON + 101 * HOUR).contradictions == ()


def test_a_hard_copy_is_due_once_the_notice_left_and_overdue_after_ten_business_days() -> None:
    methods = (email(ReceiptRule(follow_up=HARD_COPY)),)
    facts = a_plan(letter(0, event()), letter(1), methods=methods)
    assert due(facts, NOON) == ["1-1"]
    (duty,) = progress_of(facts, NOON).duties
    # Ten business days after Friday 22 May 2026 in Canada: Monday 25 May to Friday 5 June, to the end of that day.
    assert duty.due_at == datetime(2026, 6, 6, 4, tzinfo=UTC)
    assert (duty.done_at, duty.overdue, duty.method) == (None, False, LETTER)
    assert progress_of(facts, NOON).complete_at == NOON
    late = progress_of(facts, duty.due_at + timedelta(seconds=1))
    assert late.duties[0].overdue
    assert "overdue" in late.duties[0].sentence
    assert late.complete_at is None
    assert late.failed
    done = a_plan(letter(0, event()), letter(1, event(NOON + HOUR)), methods=methods)
    assert progress_of(done, duty.due_at + HOUR).duties[0].done_at == NOON + HOUR
    assert progress_of(done, duty.due_at + HOUR).complete_at == NOON


def test_a_duty_on_which_the_notice_does_not_depend_leaves_it_standing() -> None:
    methods = (email(ReceiptRule(follow_up=replace(HARD_COPY, conditional=False))),)
    facts = a_plan(letter(0, event()), letter(1), methods=methods)
    late = progress_of(facts, NOON + timedelta(days=30))
    assert late.complete_at == NOON
    assert late.duties[0].overdue


def test_a_paper_after_a_failure_is_due_only_then() -> None:
    methods = (email(ReceiptRule(follow_up=replace(HARD_COPY, when=FollowUpWhen.ON_FAILURE))),)
    assert progress_of(a_plan(letter(0, event()), letter(1), methods=methods), NOON).duties == ()
    bounced = a_plan(letter(0, event(), bounce(NOON + HOUR)), letter(1), methods=methods)
    assert due(bounced, NOON + HOUR) == ["1-1"]
    assert progress_of(bounced, NOON + HOUR).contradictions


def test_what_may_be_used_does_not_take_the_place_of_what_shall_be() -> None:
    methods = (
        email(force=Force.PERMISSIVE),
        MethodRule(LETTER, Basis.SENT, ("notice",), force=Force.EXCLUSIVE),
    )
    facts = a_plan(letter(0, event()), letter(1), methods=methods)
    assert due(facts, NOON) == ["1-1"]
    assert progress_of(facts, NOON).complete_at is None
    served = a_plan(letter(0), letter(1, event()), methods=methods)
    assert progress_of(served, NOON).complete_at == NOON


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (Wait(48, WaitUnit.HOURS), NOON + HOUR + 48 * HOUR),  # from the deemed receipt, the later reading
        (Wait(48, WaitUnit.HOURS, CountedFrom.SENT), NOON + 48 * HOUR),
        (Wait(48, WaitUnit.HOURS, CountedFrom.ACTUALLY_RECEIVED), None),
    ],
)
def test_a_cure_period_counts_from_what_the_clause_says(wait: Wait, expected: datetime | None) -> None:
    facts = a_plan(letter(0, event()), letter(1), cure=wait)
    progress = progress_of(facts, NOON + HOUR)
    assert progress.complete_at == expected
    if expected is None:
        assert "actually received, and that is not proven yet" in progress.explanation[-1]
        seen = event(NOON + 5 * HOUR, DeliveryStatus.DISPLAYED)
        shown = a_plan(letter(0, event(), seen), letter(1), cure=wait)
        assert progress_of(shown, NOON + 6 * HOUR).complete_at == NOON + 53 * HOUR


def test_the_longest_of_wait_notice_and_cure_decides_and_a_window_comes_last() -> None:
    windows = EnforcementWindows((Window((1, 2, 3, 4, 5), time(8), time(21)),))
    facts = a_plan(
        letter(0, event()),
        letter(1),
        minimum=Wait(10, WaitUnit.HOURS),
        cure=Wait(30, WaitUnit.HOURS),
        windows=windows,
    )
    # 13:00 UTC + 30 hours is Saturday 15:00 in Toronto; Monday 25 May 08:00 there is 12:00 UTC.
    progress = progress_of(facts, NOON + HOUR)
    assert progress.complete_at == datetime(2026, 5, 25, 12, tzinfo=UTC)
    (receipt,) = progress.receipts
    assert receipt.rule.startswith(
        "email, from sent, plus 1 hours, unless a failure comes back within 1 hours"
    )


def a_recipient(role: str, method: str = EMAIL, replaced_at: datetime | None = None) -> Recipient:
    return Recipient(role, "0" * 64, role, method, "known", replaced_at)


def test_a_role_without_an_address_falls_back_and_a_copy_decides_nothing() -> None:
    rule = MethodRule(EMAIL, Basis.SENT, ("legal", "notice"), ("billing", "notice"), ("counsel",))
    everybody = [a_recipient("legal"), a_recipient("notice"), a_recipient("counsel")]
    assert served_roles(rule, everybody) == [("legal", False), ("notice", False), ("counsel", True)]
    assert served_roles(rule, [a_recipient("notice")]) == [("notice", False)]
    billing = [a_recipient("notice"), a_recipient("billing")]
    assert served_roles(rule, billing) == [("billing", False), ("notice", False)]
    assert served_roles(rule, [a_recipient("notice", LETTER)]) == [("legal", False), ("notice", False)]


def test_a_method_that_this_deployment_does_not_serve_is_said_where_it_is_needed() -> None:
    courier = MethodRule(COURIER, Basis.MAILED, ("notice",))
    any_of = NoticeTerms((NoticeStep(1, Combine.ANY_OF, (email(), courier)),))
    all_of = NoticeTerms((NoticeStep(1, Combine.ALL_OF, (email(), courier)),))
    copy = NoticeTerms((NoticeStep(1, Combine.ANY_OF, (email(ReceiptRule(follow_up=HARD_COPY)),)),))
    served = frozenset({EMAIL})
    assert methods_not_served(any_of, served) == ()
    assert methods_not_served(all_of, served) == (
        "step 1 of the notice: this deployment does not serve by courier",
    )
    assert methods_not_served(copy, served) == (
        "step 1 of the notice: this deployment does not serve by letter",
    )
    assert methods_not_served(all_of, None) == ()
    signed = NoticeTerms((NoticeStep(1, Combine.ANY_OF, (replace(email(), form=(Form.SIGNED,)),)),))
    assert "of the form signed" in methods_not_served(signed, None)[0]
