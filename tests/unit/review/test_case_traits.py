"""What cases of different tenants share, and how telling it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cjp_fraud.review.case_outline import OutlinedFlag
from cjp_fraud.review.case_traits import (
    Trait,
    TraitKind,
    ranked,
    traits_of_finding,
    traits_of_flags,
    traits_of_rows,
)
from cjp_fraud.review.expected_loss import FlaggedSpan
from features.counting_clocks import Clock

AT = datetime(2015, 4, 2, 0, 30, tzinfo=UTC)
HOUR = Trait(TraitKind.HOUR, "outbound voice 02")
LATVIA = Trait(TraitKind.COUNTRY, "outbound LV")
DIALLER = Trait(TraitKind.APPLICATION, "dialler")
UNATTENDED = Trait(TraitKind.GROUND, "unattended")


def a_flag(start: datetime, application_id: str | None = None, **reasons: object) -> OutlinedFlag:
    span = FlaggedSpan("s", start, start + timedelta(minutes=5), 130.0, None)
    return OutlinedFlag(
        "voice", "outbound", application_id, start, 6.5, 140.0, 10.0, reasons, span, Clock.MINUTE
    )


def test_flags_show_applications_countries_and_the_local_hour_in_which_they_begin() -> None:
    flags = [a_flag(AT + timedelta(hours=3), "dialler"), a_flag(AT, country="LV")]
    assert traits_of_flags(flags, "Europe/Berlin") == {HOUR, LATVIA, DIALLER}


def test_rows_show_the_busiest_principals_and_countries() -> None:
    rows = [
        {"principal_id": f"user-{number}", "direction": "outbound", "contacts_offered": number}
        for number in range(20)
    ]
    rows[0]["countries"] = [["LV", 9], ["DE", 1], ["FR", 2], ["US", 3]]
    shown = traits_of_rows(rows)
    assert {value for kind, value in shown if kind is TraitKind.PRINCIPAL} == {
        f"user-{number}" for number in range(10, 20)
    }
    assert {value for kind, value in shown if kind is TraitKind.COUNTRY} == {
        "outbound LV",
        "outbound US",
        "outbound FR",
    }


def test_a_principal_without_contacts_shows_nothing() -> None:
    assert traits_of_rows([{"principal_id": "user-1", "contacts_offered": 0}]) == frozenset()


def test_a_finding_shows_its_grounds_and_ranges() -> None:
    shown = traits_of_finding(["unattended"], ["+3712"])
    assert shown == {UNATTENDED, Trait(TraitKind.DESTINATION_RANGE, "+3712")}


def test_the_most_telling_comes_first_and_the_hour_alone_is_not_similar() -> None:
    french = Trait(TraitKind.COUNTRY, "outbound FR")
    shared = {
        "1": {DIALLER},
        "2": {HOUR},
        "3": {HOUR, LATVIA},
        "4": {UNATTENDED, LATVIA},
        "5": {LATVIA, french},
    }
    matches = ranked(shared)
    assert [match.case_id for match in matches] == ["4", "3", "1", "5"]
    assert matches[1].shares == (LATVIA, HOUR)
