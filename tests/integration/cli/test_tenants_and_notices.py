"""``cjp-fraud tenants`` and ``cjp-fraud notices``, run as commands on a home of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cjp_fraud.cli import baseline, cases, contracts, flags, notices, reasons, scores, tenants, traffic
from cjp_fraud.clock import StandingClock
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.reason_profiles import ReasonProfile
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import Role
from cjp_fraud.storage.database import transaction
from tests.contract_builders import NOON, a_row, write_csv
from tests.mail_servers import smtp_server
from tests.notice_builders import a_plan, methods_of, notices_of
from tests.people_builders import a_user
from tests.simulated_clocks import BEGINS, simulate_clock

TABLE = Path(__file__).parents[2] / "contracts_of_the_table"


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """A deployment with a database and a lake."""
    settings = load_settings(home=tmp_path / "home", now=NOON)
    settings.home.mkdir()
    (settings.home / "cjp_fraud.db").write_bytes(sqlite_template)
    made = Deployment(settings)
    simulate_clock(made.engine)
    with transaction(made.engine) as session:
        a_user(session, "ana", [Role.ANALYST], BEGINS)
        a_user(session, "carol", [Role.COUNSEL], BEGINS)
    made.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    return made


def run(app: Any, opened: Deployment, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), obj=opened)


def answered(app: Any, opened: Deployment, *arguments: str) -> Any:
    result = run(app, opened, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


WINDOW = ("--from", "2026-01-01", "--to", "2026-01-02")


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (flags.app, ("list", "--tenant", "amce")),
        (flags.app, ("list", "--tenant", "ACME1")),
        (scores.app, ("show", "amce", *WINDOW)),
        (baseline.app, ("show", "amce")),
        (cases.app, ("list", "--tenant", "amce")),
        (traffic.app, ("status", "--tenant", "amce")),
        (traffic.app, ("quarantine", "--tenant", "amce")),
        (tenants.app, ("show", "amce")),
        (tenants.app, ("confirm", "amce", "--as", "ana")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_tenant_that_is_not_on_record_is_an_error_that_names_the_nearest(
    opened: Deployment, tmp_path: Path, app: Any, words: tuple[str, ...]
) -> None:
    file = write_csv(tmp_path / "t.csv", a_row(tenant_id="acme"), a_row(tenant_id="zenith"))
    assert run(tenants.app, opened, "load", str(file), "--as", "ana").exit_code == 0
    ended = run(app, opened, *words)
    assert isinstance(ended.exception, NotFoundError), ended.output
    assert "is not on record; did you mean 'acme'?" in str(ended.exception)


def test_a_case_that_is_not_on_record_has_no_flags_to_list(opened: Deployment) -> None:
    assert isinstance(run(flags.app, opened, "list", "--case", "99").exception, NotFoundError)


def test_quarantined_rows_of_a_tenant_that_is_not_on_record_are_listed(
    opened: Deployment, tmp_path: Path
) -> None:
    header = "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"
    file = tmp_path / "traffic.csv"
    file.write_text(f"{header}\nnewcomer,2026-01-31T09:00:00Z,300,voice,inbound,7\n")
    assert run(traffic.app, opened, "ingest", str(file)).exit_code == 0
    (row,) = answered(traffic.app, opened, "quarantine", "--tenant", "newcomer")
    assert row["reason"] == "unknown_tenant"
    assert answered(traffic.app, opened, "quarantine", "--tenant", "newcomer", "--reason", "negative") == []
    ended = run(traffic.app, opened, "quarantine", "--tenant", "newcomr")
    assert "did you mean 'newcomer'?" in str(ended.exception)


def test_tenants_are_loaded_and_shown(opened: Deployment, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "t.csv", a_row(), a_row(tenant_id="b", notice_address="", hosting="partner", product="CCX")
    )
    done = answered(tenants.app, opened, "load", str(file), "--as", "ana")
    assert (done["added"], done["terms_not_read"]) == (2, ["b"])
    assert (done["deployment_not_accepted"], done["quarantined_rows_purged"]) == (["b"], 0)
    assert answered(tenants.app, opened, "load", str(file), "--as", "ana")["unchanged"] == 2
    shown = answered(tenants.app, opened, "show")
    assert [row["notice_terms"] for row in shown] == ["read", "not_read"]
    one = answered(tenants.app, opened, "show", "acme")
    assert one["right"] == "clause_2_4"
    assert len(one["recipients"]) == 1
    assert "Tenants" in run(tenants.app, opened, "show").output
    assert isinstance(run(tenants.app, opened, "show", "nobody").exception, NotFoundError)
    assert isinstance(run(tenants.app, opened, "load", str(file), "--as", "nobody").exception, NotFoundError)


def test_terms_that_stand_in_a_document_only_are_read_when_the_tenants_are_loaded_again(
    opened: Deployment, tmp_path: Path
) -> None:
    said = ("notice_method", "governing_document", "provisioning_notice_proof")
    row = a_row(tenant_id="b") | dict.fromkeys(said, "")
    file = write_csv(tmp_path / "t.csv", row)
    assert answered(tenants.app, opened, "load", str(file), "--as", "ana")["terms_not_read"] == ["b"]
    (tmp_path / "terms.toml").write_text((TABLE / "04_aws.toml").read_text())
    document = 'name = "D"\nkind = "order"\ntitle = "D"\nversion = "1"\nsays = { SAYS }'
    for says, not_read in (('right = "clause_2_4"', ["b"]), ('notice_terms = "file:terms.toml"', [])):
        contract = tmp_path / "b.toml"
        contract.write_text('tenant = "b"\n[[documents]]\n' + document.replace("SAYS", says))
        answered(contracts.app, opened, "load", str(contract), "--as", "carol")
        assert answered(tenants.app, opened, "load", str(file), "--as", "ana")["terms_not_read"] == not_read


def test_a_notice_is_listed_and_its_delivery_record_shown(opened: Deployment, tmp_path: Path) -> None:
    answered(tenants.app, opened, "load", str(write_csv(tmp_path / "t.csv", a_row())), "--as", "ana")
    plan_id = a_plan(opened.engine)
    (notice,) = notices_of(opened.engine, plan_id)
    assert isinstance(run(notices.app, opened, "show", notice.id, "--raw").exception, NotFoundError)
    with smtp_server() as server:
        dispatch_due(opened.engine, methods_of(server), plan_id, StandingClock(NOON))
    (row,) = answered(notices.app, opened, "list")
    assert (row["state"], row["tenant_id"], row["mode"]) == ("sent", "acme", "act")
    record = answered(notices.app, opened, "show", notice.id)
    assert record["address"] == "notices@acme.example"
    assert record["attempts"][0]["smtp"]["reply_code"] == 250
    assert record["events"][0]["status"] == "sent"
    raw = run(notices.app, opened, "show", notice.id, "--raw")
    assert raw.stdout_bytes == server.received[0].content
    printed = run(notices.app, opened, "show", notice.id)
    assert "250 2.0.0 queued as 4711" in printed.output


def test_what_is_not_on_record_is_said_so(opened: Deployment) -> None:
    assert answered(notices.app, opened, "list") == []
    for arguments in (("show", "nothing"), ("dispatch", "7"), ("list", "--case", "7")):
        assert isinstance(run(notices.app, opened, *arguments).exception, NotFoundError)


def test_counsel_turns_a_laws_list_on_and_off_and_a_notice_shows_its_reasons(
    opened: Deployment, tmp_path: Path
) -> None:
    answered(tenants.app, opened, "load", str(write_csv(tmp_path / "t.csv", a_row())), "--as", "ana")
    (notice,) = notices_of(opened.engine, a_plan(opened.engine))
    stated = answered(reasons.app, opened, "show", notice.id[:8])
    assert stated["notice"]["id"] == notice.id
    assert len(stated["sha256"]) == 64
    assert stated["statement"]["profiles"] == []
    printed = run(reasons.app, opened, "show", notice.id).output
    assert stated["sha256"][:8] in printed
    assert isinstance(run(reasons.app, opened, "show", "nothing").exception, NotFoundError)

    standing = answered(reasons.app, opened, "profiles")
    assert [each["profile"] for each in standing] == list(ReasonProfile)
    assert not any(each["in_force"] for each in standing)
    law = ("set-profile", "provider", ReasonProfile.EU_2022_2065)
    by = ("--source", "opinion 7", "--as")
    assert isinstance(run(reasons.app, opened, *law, "--on", *by, "ana").exception, Refused)
    set_on = answered(reasons.app, opened, *law, "--on", *by, "carol", "--out-of-court", "Settlement Ireland")
    assert (set_on["in_force"], set_on["out_of_court"]) == (True, ["Settlement Ireland"])
    assert [each["in_force"] for each in answered(reasons.app, opened, "profiles")] == [True, False]
    assert "a body for settlement out of court" in " ".join(
        answered(reasons.app, opened, "profiles")[0]["wants"]
    )
    assert answered(reasons.app, opened, *law, "--off", *by, "carol")["in_force"] is False
    assert not any(each["in_force"] for each in answered(reasons.app, opened, "profiles"))
    assert run(reasons.app, opened, "set-profile", "provider", "gdpr", "--on", *by, "carol").exit_code == 2
    assert run(reasons.app, opened, *law, *by, "carol").exit_code == 2, "on or off must be said"
