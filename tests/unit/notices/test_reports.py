"""Delivery reports: read, and never trusted further than they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.inbound_reports import read_report
from tests.delivery_reports import a_report


@pytest.mark.parametrize(
    ("action", "status", "negative"),
    [
        ("failed", DeliveryStatus.ATTEMPTED, True),
        ("delayed", DeliveryStatus.ATTEMPTED, False),
        ("relayed", DeliveryStatus.RELAYED, False),
        ("expanded", DeliveryStatus.RELAYED, False),
        ("Delivered", DeliveryStatus.DELIVERED, False),
    ],
)
def test_each_action_means_its_status(action: str, status: DeliveryStatus, negative: bool) -> None:
    report = read_report(
        a_report("bounce+abc@provider.example", action, envid="E-1", original="a+b@acme.example")
    )
    assert report is not None
    assert (report.status, report.negative) == (status, negative)
    assert report.sent_to == {"bounce+abc@provider.example"}
    assert report.envid == "E-1"
    assert report.original_recipients == {"a+b@acme.example"}


@pytest.mark.parametrize("action", ["expired", "deliverable", ""])
def test_an_action_outside_the_standard_is_no_report(action: str) -> None:
    assert read_report(a_report("x@y.example", action)) is None


def test_of_several_recipients_the_worst_counts() -> None:
    mixed = a_report("x@y.example", "delivered", further=("failed",))
    report = read_report(mixed)
    assert report is not None
    assert report.negative


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: out of office\r\nAuto-Submitted: auto-replied\r\n\r\nI am away\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts\r\n",
    ],
)
def test_other_mail_is_no_report(content: bytes) -> None:
    assert read_report(content) is None


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_no_damage_makes_a_report_that_cannot_be_read_an_error(noise: bytes, place: int) -> None:
    whole = a_report("bounce+abc@provider.example", "delivered", envid="E-1")
    read_report(whole[:place] + noise + whole[place:])
    read_report(whole[:place])


def test_real_bounces_are_read_without_an_error(shared_data: Path) -> None:
    files = [file for file in (shared_data / "bounces").rglob("*") if file.is_file()]
    if not files:
        pytest.skip(f"no bounces in {shared_data / 'bounces'}")
    read = [read_report(file.read_bytes()) for file in files]
    assert any(report is not None and report.negative for report in read)
