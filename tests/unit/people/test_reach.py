"""Roles that are narrowed to channels and countries: what they reach, and which role an act needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.people.model import EVERYTHING, Actor, Reach, Role, machine
from cjp_fraud.people.reach import reach_for, reaches, roles_for

VOICE = Reach(frozenset({"voice"}))
FRANCE = Reach(countries=frozenset({"FR"}))
CHANNELS = st.sampled_from(["voice", "sms", None])
COUNTRIES = st.sampled_from(["FR", "DE", None])


def a_person(*roles: Role, narrowed: tuple[tuple[Role, Reach], ...] = ()) -> Actor:
    return Actor("adam", "id of adam", frozenset(roles), narrowed)


@given(CHANNELS, COUNTRIES)
def test_who_is_not_narrowed_and_machines_reach_everything(channel: str | None, country: str | None) -> None:
    for by in (a_person(Role.APPROVER), machine("detect")):
        assert reaches(by, set(Role), channel, country)
        assert reach_for(by) is None


@given(CHANNELS, COUNTRIES)
def test_a_narrowed_role_reaches_what_both_of_its_lists_name(
    channel: str | None, country: str | None
) -> None:
    both = Reach(VOICE.channels, FRANCE.countries)
    assert both.covers(channel, country) == (channel == "voice" and country == "FR")
    assert VOICE.covers(channel, country) == (channel == "voice")
    assert FRANCE.covers(channel, country) == (country == "FR")
    assert EVERYTHING.covers(channel, country)


def test_an_act_needs_a_role_that_may_do_it_and_reaches_the_case() -> None:
    by = a_person(Role.ANALYST, Role.APPROVER, narrowed=((Role.APPROVER, VOICE),))
    assert reaches(by, roles_for("case.claimed", {}), "sms", None)
    assert reaches(by, roles_for("case.approved", {"capacity": "approver"}), "voice", None)
    assert not reaches(by, roles_for("case.approved", {"capacity": "approver"}), "sms", None)
    assert not reaches(by, roles_for("case.reinstating", {}), "sms", None)
    assert reaches(by, roles_for("case.commented", {}), "sms", None), "as an analyst"


@pytest.mark.parametrize(
    ("role", "action", "content"),
    [
        (Role.REVIEWER, "case.emergency_ordered", {}),
        (Role.APPROVER, "case.emergency_approved", {"capacity": "approver"}),
        (Role.APPROVER, "case.contradiction_resolved", {}),
        (Role.APPROVER, "case.letter_ordered", {"kind": NoticeKind.CONDITIONAL_WARNING}),
        (Role.COUNSEL, "case.letter_ordered", {"kind": NoticeKind.BREACH}),
        (Role.COUNSEL, "case.letter_withdrawn", {}),
        (Role.APPROVER, "dispute.decided", {}),
        (Role.APPROVER, "measure.narrowing", {}),
        (Role.REVIEWER, "measure.assessed", {}),
        (Role.COUNSEL, "measure.found_wrong", {}),
        (Role.APPROVER, "measure.looked_at", {}),
    ],
)
def test_what_only_a_role_of_weight_may_do_is_not_reached_as_an_analyst(
    role: Role, action: str, content: dict[str, str]
) -> None:
    by = a_person(Role.ANALYST, role, narrowed=((role, VOICE),))
    assert reaches(by, roles_for(action, content), "voice", None)
    assert not reaches(by, roles_for(action, content), "sms", None)


def test_lists_show_what_any_role_reaches() -> None:
    by = a_person(Role.ANALYST, Role.APPROVER, narrowed=((Role.APPROVER, VOICE),))
    assert reach_for(by) is None
    assert reach_for(by, {Role.APPROVER}) == (VOICE,)
    narrow = a_person(Role.ANALYST, Role.APPROVER, narrowed=((Role.ANALYST, FRANCE), (Role.APPROVER, VOICE)))
    assert reach_for(narrow) == (FRANCE, VOICE)
