"""Real bounces of many mail systems, 2014 to 2025 (``shared/data/bounces``), against what an independent parser reads.

Where the two differ, the difference stands in ``DIFFERENCES`` with its reason; the table is compared exactly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cjp_fraud.notices.reports.model import ACTIONS, ReportKind
from cjp_fraud.notices.reports.reading import read_message

STILL_TRIED: Final = (
    "it says delayed, and a delay has a status of class 4 (RFC 3463); the oracle files it as expired"
)
NOT_READ: Final = "the oracle does not read this mail system, whose text names the recipient and the reply"
FINAL_RECIPIENT: Final = "Final-Recipient stands (RFC 3464, section 2.3.2); the oracle takes another field"

DIFFERENCES: Final = {
    **{
        f"lhost-dragonfly-{number}.eml": NOT_READ
        for number in ("06", "08", "13", "14", "18", "19", "20", "24", "30")
    },
    "lhost-domino-03.eml": FINAL_RECIPIENT,
    "lhost-gmail-08.eml": STILL_TRIED,
    "lhost-office365-04.eml": FINAL_RECIPIENT,
    "rfc3834-05.eml": "an automatic reply names another address; the oracle takes it for one that mail did not reach",
    "lhost-opensmtpd-06.eml": STILL_TRIED,
    "lhost-opensmtpd-15.eml": STILL_TRIED,
    "lhost-opensmtpd-16.eml": STILL_TRIED,
}
"""File → why what we read is not what the oracle reads."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Recipients and first digits of one file, ours and the oracle's; keys are addresses, lower case."""

    ours: dict[str, str | None]
    theirs: dict[str, str | None]

    @property
    def same_recipients(self) -> bool:
        return self.ours.keys() == self.theirs.keys()

    @property
    def digits(self) -> tuple[bool, ...]:
        """For each recipient whom both read, and to whom the oracle gives a status: whether the first digits agree."""
        common = [
            (self.ours[address], digit) for address, digit in self.theirs.items() if address in self.ours
        ]
        return tuple(ours == digit for ours, digit in common if digit)


@pytest.fixture(scope="module")
def truth(shared_data: Path) -> dict[str, list[dict[str, Any]]]:
    return json.loads((shared_data / "bounces" / "truth.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def contents(shared_data: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((shared_data / "bounces" / "mail").glob("*.eml"))}


@pytest.fixture(scope="module")
def compared(truth: dict[str, list[dict[str, Any]]], contents: dict[str, bytes]) -> dict[str, Comparison]:
    def digit(status: str | None) -> str | None:
        return status[0] if status else None

    return {
        name: Comparison(
            {(each.address or "").lower(): digit(each.status) for each in read_message(content).recipients},
            {each["recipient"].lower(): digit(each["status"]) for each in truth[name]},
        )
        for name, content in contents.items()
    }


def test_95_in_100_agree_in_the_recipients(compared: dict[str, Comparison]) -> None:
    files = [each.same_recipients for each in compared.values() if each.theirs]
    assert sum(files) / len(files) >= 0.95


def test_97_in_100_agree_in_the_first_digit_of_the_status(compared: dict[str, Comparison]) -> None:
    digits = [same for each in compared.values() for same in each.digits]
    assert sum(digits) / len(digits) >= 0.97


@pytest.mark.parametrize("half", [0, 1])
def test_both_halves_agree_alike(compared: dict[str, Comparison], half: int) -> None:
    rows = list(compared.values())[half::2]
    digits = [same for each in rows for same in each.digits]
    files = [each.same_recipients for each in rows if each.theirs]
    assert sum(files) / len(files) >= 0.95
    assert sum(digits) / len(digits) >= 0.95


def test_every_other_difference_has_its_reason(compared: dict[str, Comparison]) -> None:
    differing = {name for name, each in compared.items() if not (each.same_recipients and all(each.digits))}
    assert differing == DIFFERENCES.keys()


def test_every_report_for_machines_is_read_as_it_stands(contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        parts = [part.get_content_type() for part in message_from_bytes(content).walk()]
        report = read_message(content)
        assert (report.kind is ReportKind.REPORT) == ("message/delivery-status" in parts), name
        if report.kind is ReportKind.REPORT:
            assert report.recipients, name


def test_complaints_and_automatic_replies_are_no_failures(contents: dict[str, bytes]) -> None:
    kinds = {name: read_message(content).kind for name, content in contents.items()}
    assert {name for name, kind in kinds.items() if kind is ReportKind.COMPLAINT} == {
        name for name in contents if name.startswith("arf-")
    } | {"lhost-amazonses-11.eml"}
    assert {name for name, kind in kinds.items() if kind is ReportKind.AUTO_REPLY} == {
        name for name in contents if name.startswith("rfc3834-")
    }
    assert [name for name, kind in kinds.items() if kind is ReportKind.NONE] == ["is-not-bounce-01.eml"]


def test_nothing_is_ever_taken_for_delivered(contents: dict[str, bytes]) -> None:
    actions = {each.action for content in contents.values() for each in read_message(content).recipients}
    assert actions == {"failed", "delayed", "expired", None}
    assert "expired" not in ACTIONS


@pytest.mark.thorough
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_damage_crashes_or_delivers(contents: dict[str, bytes], data: st.DataObject) -> None:
    content = contents[data.draw(st.sampled_from(sorted(contents)))][:20_000]
    place = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(place, min(len(content), place + 200)))
    noise = data.draw(st.binary(max_size=60))
    report = read_message(content[:place] + noise + content[end:])
    assert report.unreadable is None
    assert not {each.action for each in report.recipients} & {"delivered", "relayed", "expanded", "displayed"}
