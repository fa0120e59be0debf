"""What people and the schedule ask of measures: one function an act, on a deployment of its own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_jsonable_python
from sqlalchemy import select
from typer.testing import CliRunner

from cjp_fraud.cli import measures as commands
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.lake_tables import DETECTION_TABLES
from cjp_fraud.errors import BadInputError, CjpFraudError, NotFoundError, Refused
from cjp_fraud.operations import measures
from cjp_fraud.review.claim import claim
from cjp_fraud.review.model import CaseState
from cjp_fraud.suspension.disagreements import DisagreementKind
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, MeasureState, PlatformOutcome
from cjp_fraud.suspension.platform import Order, PlatformError
from cjp_fraud.suspension.tables import Entitlement
from cjp_fraud.traffic.schema import TRAFFIC_TABLES
from tests.case_builders import HOUR, QUIET, START, StaffedDeployment, a_flag, flag, open_staffed
from tests.contract_builders import a_row
from tests.mail_servers import MailServerUnderTest
from tests.tampering import unrecorded


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest) -> Deployment:
    """A deployment in act mode."""
    (tmp_path / "cjp_fraud.db").write_bytes(sqlite_template)
    chosen = {
        "platform_mode": "act",
        "smtp_host": server.host,
        "smtp_port": server.port,
        "contact": "+1 555 0100",
    }
    return Deployment(load_settings(home=tmp_path, now=START, **chosen))


@pytest.fixture
def staffed(opened: Deployment, tmp_path: Path) -> StaffedDeployment:
    """The people of that deployment, and two tenants."""
    rows = (a_row(), a_row(tenant_id="other"))
    return open_staffed(opened.engine, tmp_path, opened.notice_methods, *rows)


def approved_case(staffed: StaffedDeployment, tenant_id: str = "acme") -> str:
    """Bring a case of a tenant to ``approved``; return its number."""
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30), tenant_id), at=staffed.now)
    staffed.do(claim, "rita")
    staffed.determine()
    staffed.approve()
    return str(staffed.case().number)


def suspended_case(opened: Deployment, staffed: StaffedDeployment) -> str:
    case = approved_case(staffed)
    assert measures.enforce(opened, staffed.now, case).state is CaseState.SUSPENDED
    return case


def test_a_measure_is_applied_after_somebody_says_again_that_it_is_needed(
    opened: Deployment, staffed: StaffedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = approved_case(staffed)
    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedPlatform, "apply", refuse)
        assert measures.enforce(opened, START, case).state is CaseState.NOTICED
    later = START + timedelta(hours=30)
    with pytest.raises(Refused, match="point 8"):
        measures.apply(opened, later, case)

    outcome = measures.apply(opened, later, case, by="rita", needed_because="the carrier says it goes on")

    assert outcome.outcome is PlatformOutcome.IN_FORCE
    assert [view.state for view in measures.list_measures(opened, in_force_only=True)] == [
        MeasureState.IN_FORCE
    ]


def refuse(_self: EmbeddedPlatform, _order: Order, _key: str, _at: datetime) -> None:
    raise PlatformError("refused")


@pytest.mark.parametrize("given", [{"by": "rita"}, {"needed_because": "it goes on"}])
def test_a_need_is_stated_by_somebody_and_with_a_reason(
    opened: Deployment, staffed: StaffedDeployment, given: dict[str, str]
) -> None:
    with pytest.raises(BadInputError, match="both"):
        measures.apply(opened, START, approved_case(staffed), **given)


def test_a_case_that_is_not_on_record_is_named(opened: Deployment, staffed: StaffedDeployment) -> None:
    with pytest.raises(NotFoundError, match="cases list"):
        measures.apply(opened, START, "17")


def test_a_reinstatement_tells_the_customer(
    opened: Deployment, staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    case = suspended_case(opened, staffed)

    result = measures.reinstate(opened, "bella", START, case, reasons="the port is closed")

    assert result.measure.outcome is PlatformOutcome.NOT_IN_FORCE
    assert result.enforcement is not None
    assert result.enforcement.state is CaseState.REINSTATED
    assert len(server.received) == 2


def test_a_reinstatement_that_the_platform_does_not_carry_out_sends_no_letter(
    opened: Deployment,
    staffed: StaffedDeployment,
    server: MailServerUnderTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = suspended_case(opened, staffed)
    monkeypatch.setattr(EmbeddedPlatform, "lift", refuse)

    result = measures.reinstate(opened, "bella", START, case, reasons="the port is closed")

    assert (result.measure.outcome, result.enforcement) == (PlatformOutcome.IN_FORCE, None)
    assert len(server.received) == 1


def test_two_approvers_reaffirm(opened: Deployment, staffed: StaffedDeployment) -> None:
    opened.lake.create((*TRAFFIC_TABLES, *DETECTION_TABLES), buckets=4)
    case = suspended_case(opened, staffed)

    at = START + HOUR
    looks = {name: measures.look_again(opened, name, at, case).reference for name in ("adam", "bella")}

    first = measures.reaffirm(
        opened, "adam", at, case, look=looks["adam"], reasons="it goes on", although_quiet=QUIET
    )
    second = measures.reaffirm(
        opened, "bella", at, case, look=looks["bella"], reasons="so says the carrier", although_quiet=QUIET
    )

    assert (first.measure.complete, second.measure.complete) == (False, True)
    [view] = measures.list_measures(opened, case=case)
    assert [(each.round, each.at) for each in view.reaffirmations] == [(1, at), (1, at)]
    assert [(command.kind, command.outcome) for command in view.commands] == [
        (CommandKind.APPLY, CommandOutcome.DONE)
    ] * 2
    [in_force] = measures.restrictions(opened, START)
    assert in_force.ends_at == second.measure.review_at


def test_one_case_in_trouble_stops_no_other_and_the_run_fails_in_the_end(
    opened: Deployment, staffed: StaffedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = approved_case(staffed)
    broken_id = staffed.case().id
    approved_case(staffed, "other")
    apply = EmbeddedPlatform.apply

    def disk_full_for_acme(platform: EmbeddedPlatform, order: Order, key: str, at: datetime) -> None:
        if order.tenant_id == "acme":
            raise OSError("no space left on device")
        apply(platform, order, key, at)

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedPlatform, "apply", disk_full_for_acme)
        with pytest.raises(CjpFraudError, match=f"case {broken_id}: no space left"):
            measures.resume_all(opened, START)
    assert staffed.state is CaseState.SUSPENDED

    report = measures.resume_all(opened, START)

    assert [(each.case_id, each.state) for each in report.moved] == [(broken_id, CaseState.SUSPENDED)]
    assert measures.list_measures(opened, case=broken)[0].state is MeasureState.IN_FORCE


def test_a_disagreement_that_people_must_settle_is_named_and_one_that_was_repaired_is_not(
    opened: Deployment, staffed: StaffedDeployment
) -> None:
    case = suspended_case(opened, staffed)
    assert measures.reconcile(opened, START) == ()
    with unrecorded(opened.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = False

    disagreements = measures.reconcile(opened, START)

    assert [each.kind for each in disagreements] == [DisagreementKind.NOT_RESTRICTED]
    with pytest.raises(CjpFraudError, match="people decide what follows"):
        measures.reconcile_or_fail(opened, START)
    measures.reinstate(opened, "bella", START, case, reasons="the port is closed")
    with unrecorded(opened.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = True
    assert [each.repaired for each in measures.reconcile_or_fail(opened, START)] == [True]


def test_what_is_listed_as_json_is_what_the_operation_gives(
    opened: Deployment, staffed: StaffedDeployment
) -> None:
    suspended_case(opened, staffed)

    printed = run(opened, "list", "--json").output

    assert json.loads(printed) == to_jsonable_python(measures.list_measures(opened))


def test_measures_are_listed_one_line_each_within_80_columns(
    opened: Deployment, staffed: StaffedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended_case(opened, staffed)
    monkeypatch.setenv("COLUMNS", "80")

    lines = run(opened, "list").output.splitlines()

    assert max(map(len, lines)) <= 80
    [row] = [line for line in lines if "suspend_channel" in line]
    assert all(word in row for word in ("acme", "in_force", "2015-04-05 12:00Z"))


def test_disagreements_are_listed_within_80_columns_and_fail_the_command(
    opened: Deployment, staffed: StaffedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended_case(opened, staffed)
    with unrecorded(opened.engine) as session:
        session.scalars(select(Entitlement)).one().restricted = False
    monkeypatch.setenv("COLUMNS", "80")

    result = CliRunner().invoke(commands.app, ["reconcile"], obj=opened)

    assert result.exit_code == 1
    assert max(map(len, result.output.splitlines())) <= 80
    assert "not_restricted" in result.output
    assert "people decide" in " ".join(result.output.split())


def run(opened: Deployment, *arguments: str) -> Any:
    result = CliRunner().invoke(commands.app, list(arguments), obj=opened)
    assert result.exit_code == 0, (result.output, result.exception)
    return result
