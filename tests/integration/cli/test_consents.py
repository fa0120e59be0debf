"""``cjp-fraud contracts enter-consent`` and its like, up to the cap that a delivery of traffic begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from cjp_fraud.cli import cases, contracts, notices
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations import caps, consents, measures, traffic
from tests.case_builders import START
from tests.integration.cli.test_cases import a_deployment, answered, done, refusal, run
from tests.mail_servers import MailServerUnderTest, smtp_server

NOW = START + timedelta(days=2)

FILE = """
reference = "Order form 7"
clause = "section 4.2"
countries = ["LV"]
cents_per_hour = 10000
hours_from = 06:00:00
hours_to = 23:00:00
cap_hours = 4
valid_from = "2015-01-05T00:00:00Z"
valid_to = "2016-01-05T00:00:00Z"
"""


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest) -> Deployment:
    """A deployment in act mode."""
    (tmp_path / "signed.pdf").write_bytes(b"%PDF signed")
    return a_deployment(tmp_path, sqlite_template, server, "act")


def entered(opened: Deployment, folder: Path, text: str = FILE) -> tuple[str, ...]:
    file = folder / "consent.toml"
    file.write_text(text)
    return ("enter-consent", "acme", str(file), "--signed", str(folder / "signed.pdf"), "--as", "carol")


def delivered(folder: Path, cents: int) -> Path:
    """A file of traffic: ten calls to Latvia in each five minutes of the last half hour."""
    lines = [
        "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered,charge_cents,countries"
    ]
    for place in range(6):
        start = NOW - timedelta(minutes=30 - 5 * place)
        lines.append(f'acme,{start:%Y-%m-%dT%H:%M:%SZ},300,voice,outbound,10,{cents},"{{""LV"": 10}}"')
    path = folder / "traffic.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_what_the_customer_signed_is_entered_confirmed_and_caps_the_next_delivery(
    opened: Deployment, tmp_path: Path, server: MailServerUnderTest
) -> None:
    done(contracts.app, opened, *entered(opened, tmp_path))
    [listed] = answered(contracts.app, opened, "consents", "acme")
    assert (listed["in_force"], listed["blocks"]) == (False, ["+371"])
    assert listed["proof"] == {"name": "signed.pdf", "sha256": sha256(b"%PDF signed").hexdigest()}
    refused = refusal(contracts.app, opened, "confirm-consent", listed["id"][:8], "--as", "carol")
    assert "carol entered it; another person must confirm it" in refused
    assert answered(contracts.app, opened, "confirm-consent", listed["id"][:8], "--as", "adam")["in_force"]

    traffic.ingest_files(opened, NOW, [delivered(tmp_path, 1_000)])
    assert caps.cap_breaches(opened, NOW).begun == ()
    traffic.ingest_files(opened, NOW, [delivered(tmp_path, 5_000)], corrects=True)

    page = answered(cases.app, opened, "show", "1")
    assert (page["state"], page["caps"][0]["state"], page["caps"][0]["cents"]) == (
        "capped",
        "in_force",
        30_000.0,
    )
    assert len(server.received) == 1
    assert "block_destinations" in done(cases.app, opened, "show", "1")
    told = done(notices.app, opened, "preview", "1", "--kind", "cap")
    assert "A limit that you agreed to has taken effect" in told
    assert measures.restrictions(opened, NOW)[0].scope["destination_prefixes"] == ["+371"]  # type: ignore[index]
    consents.end(opened, "carol", NOW, listed["id"][:8], reasons="revoked")
    caps.cap_breaches(opened, NOW + timedelta(minutes=1))
    assert measures.restrictions(opened, NOW + timedelta(minutes=1)) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace('["LV"]', '["US"]'), "US has no numbers of its own"),
        (FILE.replace("cap_hours = 4", "cap_days = 4"), "cap_days"),
        (FILE.replace("10000", '"much"'), "cents_per_hour"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_fault(
    opened: Deployment, tmp_path: Path, text: str, said: str
) -> None:
    error = run(contracts.app, opened, *entered(opened, tmp_path, text)).exception
    assert isinstance(error, BadInputError)
    assert said in str(error)
    assert answered(contracts.app, opened, "consents", "acme") == []
