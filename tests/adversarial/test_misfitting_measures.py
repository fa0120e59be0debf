"""Nothing is restricted that did not spike: misfitting measures are refused when drawn up, and at the gate again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.detection.evidence_rows import principal_rows
from cjp_fraud.detection.lake_tables import DETECTION_TABLES
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import determine_fraud
from cjp_fraud.review.flags import FlagRow
from cjp_fraud.review.model import Capacity, CaseState, Quantity, TenantsPart
from cjp_fraud.review.principals import ReadPrincipals, freeze_principals
from cjp_fraud.review.requests import FraudFinding, MeasureWanted
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.suspension.gate_facts import proposal_obstacles
from cjp_fraud.suspension.model import ENFORCER
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC_TABLES
from cjp_fraud.traffic.series_identity import series_id
from tests.case_builders import GROUNDS, START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest

DIALLER = {"application_id": "dialler", "baseline": 10.0, "observed": 140.0}
INBOUND = {"direction": "inbound"}
AT_NIGHT = {"baseline": 1.0, "observed": 131.0}
EVERYWHERE = tuple(f"+{zone}" for zone in range(1, 10))


def a_lake(folder: Path, rows: list[tuple[int, str | None, str, int]]) -> Lake:
    """Return a lake whose intake holds ``(minutes after the flag, principal, direction, contacts)`` of acme."""
    lake = Lake(str(folder / "lake"))
    lake.create((*TRAFFIC_TABLES, *DETECTION_TABLES), buckets=4)
    bucket = int(lake.bucket_of(["acme"])[0])
    documents = [
        {
            "series_id": series_id("acme", "voice", direction, None, 300),
            "tenant_id": "acme",
            "channel": "voice",
            "direction": direction,
            "principal_id": principal,
            "interval_seconds": 60,
            "interval_start": START + timedelta(minutes=minutes),
            "contacts_offered": contacts,
            "day": (START + timedelta(minutes=minutes)).date(),
            "bucket": bucket,
        }
        for minutes, principal, direction, contacts in rows
    ]
    table = pa.Table.from_pylist(documents, schema=INTAKE.schema)
    lake.replace(INTAKE, table, where=Where(buckets=[bucket]))
    return lake


def opened(staffed: StaffedDeployment, *rows: FlagRow, read: ReadPrincipals | None = None) -> None:
    """Flag, freeze who carried it as detection does, and claim the case."""
    flag(staffed.engine, *rows, at=staffed.now)
    if read is not None:
        with transaction(staffed.engine) as session:
            decision = Decision(session, ENFORCER, staffed.now)
            freeze_principals(decision, [staffed.case().id], read)
    staffed.do(claim, "rita")


@pytest.fixture
def staffed(sqlite_engine: Any, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.now = START + timedelta(minutes=30)
    return staffed


@pytest.mark.parametrize(
    ("flags", "kind", "scope", "said"),
    [
        ([{}], MeasureKind.SUSPEND_CHANNEL, {"channels": ("chat",)}, "must say its channels"),
        ([{}], MeasureKind.SUSPEND_CHANNEL, {"channels": ("voice",), "directions": ("inbound",)}, "inbound"),
        (
            [{}, {"channel": "chat", **INBOUND}],
            MeasureKind.SUSPEND_CHANNEL,
            {"channels": ("chat",), "directions": ("outbound",)},
            "chat outbound is restricted",
        ),
        (
            [{}, {"channel": "chat", **INBOUND}],
            MeasureKind.LIMIT_RATE,
            {"contacts_per_hour": 900},
            "must say",
        ),
        ([DIALLER], MeasureKind.SUSPEND_APPLICATION, {"application_ids": ("bot",)}, "application bot"),
        ([{}], MeasureKind.SUSPEND_APPLICATION, {"application_ids": ("dialler",)}, "application dialler"),
        ([{}], MeasureKind.SUSPEND_PRINCIPAL, {"principal_ids": ("key-1",)}, "no traffic by principal"),
        ([{}], MeasureKind.LIMIT_RATE, {"contacts_per_hour": 119}, "under the usual level of 120"),
        ([{}], MeasureKind.LIMIT_ORIGINS, {"origins": ("+371",)}, "for inbound floods"),
        ([INBOUND], MeasureKind.SUSPEND_CHANNEL, {"channels": ("voice",)}, "cut off the victim"),
        ([INBOUND], MeasureKind.LIMIT_RATE, {"contacts_per_hour": 500}, "cut off the victim"),
        ([INBOUND], MeasureKind.SUSPEND_ALL_ACCESS, {}, "cut off the victim"),
        (
            [INBOUND],
            MeasureKind.BLOCK_DESTINATIONS,
            {"destination_prefixes": ("+371",), "directions": ("outbound",)},
            "must say its channels",
        ),
        ([{}], MeasureKind.BLOCK_DESTINATIONS, {"destination_prefixes": EVERYWHERE}, "of all numbers"),
        (
            [INBOUND],
            MeasureKind.BLOCK_DESTINATIONS,
            {"destination_prefixes": EVERYWHERE},
            "cut off the victim",
        ),
        ([INBOUND], MeasureKind.BLOCK_DESTINATIONS, {"destination_prefixes": ("+1",)}, "cut off the victim"),
        ([INBOUND], MeasureKind.LIMIT_ORIGINS, {"origins": ("0.0.0.0/0",)}, "more than a /8"),
        ([INBOUND], MeasureKind.LIMIT_ORIGINS, {"origins": ("::/0",)}, "more than a /20"),
        ([INBOUND], MeasureKind.LIMIT_ORIGINS, {"origins": ("everything",)}, "is no number range"),
        ([AT_NIGHT], MeasureKind.LIMIT_RATE, {"contacts_per_hour": 12}, "under the usual level of 120"),
        (
            [AT_NIGHT | {"application_id": "bot"}],
            MeasureKind.LIMIT_RATE,
            {"contacts_per_hour": 12},
            "under the usual level of 132",
        ),
        (
            [AT_NIGHT | {"application_id": "bot", "quantity": Quantity.MINUTES}],
            MeasureKind.LIMIT_RATE,
            {"contacts_per_hour": 900, "application_ids": ("bot",)},
            "application bot is not known",
        ),
    ],
)
def test_a_misfitting_measure_is_refused_when_it_is_drawn_up(
    staffed: StaffedDeployment,
    flags: list[Mapping[str, Any]],
    kind: MeasureKind,
    scope: Mapping[str, Any],
    said: str,
) -> None:
    opened(staffed, *(a_flag(**dict(changes)) for changes in flags))

    with pytest.raises(Refused, match=said):
        staffed.determine(measure=MeasureWanted(kind, Scope(**dict(scope)), timedelta(hours=72)))
    assert staffed.state is CaseState.IN_REVIEW


def test_where_no_usual_level_was_frozen_no_rate_is_taken(staffed: StaffedDeployment) -> None:
    opened(staffed, a_flag())
    wanted = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=900), timedelta(hours=72))
    with pytest.raises(Refused, match="was not frozen"):
        determined(staffed, wanted, [])


@pytest.mark.parametrize(
    ("prefix", "said"),
    [("+3", "no country that was seen"), ("+370", "no country that was seen"), ("+37120", None)],
)
def test_only_destinations_of_the_flagged_intervals_are_blocked(
    staffed: StaffedDeployment, prefix: str, said: str | None
) -> None:
    opened(staffed, a_flag())
    series = series_id("acme", "voice", "outbound", None, 300)
    seen = {"series_id": series, "interval_start": START, "countries": [("LV", 130), ("US", 10)]}
    before = seen | {"interval_start": START - timedelta(hours=1), "countries": [("LT", 5)]}
    scope = Scope(destination_prefixes=(prefix,))
    wanted = MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, scope, timedelta(hours=72))
    if said is None:
        determined(staffed, wanted, [before, seen])
        staffed.approve()
        assert staffed.enforce().state is CaseState.SUSPENDED
        return
    with pytest.raises(Refused, match=said):
        determined(staffed, wanted, [before, seen])


def determined(staffed: StaffedDeployment, wanted: MeasureWanted, rows: list[dict[str, Any]]) -> None:
    """Determine fraud where these rows are all that the lake has."""
    finding = FraudFinding("at night", TenantsPart.VICTIM, measure=wanted, grounds=GROUNDS)
    staffed.do(
        determine_fraud,
        "rita",
        finding,
        policy=staffed.policy,
        read_rows=lambda _wanted: rows,
        obstacles=proposal_obstacles,
    )


@pytest.mark.parametrize("critical", ["true", "false"])
@pytest.mark.parametrize("prefix", ["+3", "+1"])
def test_a_world_zone_is_not_blocked_without_counsel(
    sqlite_engine: Any, tmp_path: Path, server: MailServerUnderTest, critical: str, prefix: str
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server), a_row(critical=critical))
    staffed.now = START + timedelta(minutes=30)
    opened(staffed, a_flag())
    scope = Scope(destination_prefixes=(prefix,))
    staffed.determine(measure=MeasureWanted(MeasureKind.BLOCK_DESTINATIONS, scope))
    staffed.approve()
    assert staffed.state is CaseState.DETERMINED

    staffed.approve("carol", capacity=Capacity.COUNSEL)

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_only_a_principal_that_was_frozen_in_the_flagged_intervals_is_restricted(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    lake = a_lake(
        tmp_path,
        [
            (-600, "key-1", "outbound", 30),
            (1, "key-1", "outbound", 90),
            (2, None, "outbound", 40),
            (2, "key-idle", "outbound", 0),
            (-30, "key-before", "outbound", 50),
            (1, "key-in", "inbound", 50),
        ],
    )
    opened(staffed, a_flag(), read=principal_rows(lake))
    lake.replace(INTAKE, INTAKE.schema.empty_table(), where=Where(buckets=range(4)))  # 14 days later

    for stranger in ("key-2", "key-idle", "key-before", "key-in"):
        wanted = MeasureWanted(MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=(stranger,)))
        with pytest.raises(Refused, match=f"principal {stranger} is restricted and was not seen"):
            staffed.determine(measure=wanted)
    staffed.determine(measure=MeasureWanted(MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=("key-1",))))
    staffed.approve()

    assert staffed.enforce().state is CaseState.SUSPENDED
    with reading(staffed.engine) as session:
        shown = case_view(session, staffed.case().id, staffed.now).principals
    assert [(each.principal_id, each.contacts) for each in shown] == [("key-1", 90), ("key-idle", 0)]
    assert shown[0].usual_per_hour == pytest.approx(3.0)


def test_freezing_again_stores_nothing_and_a_later_flag_is_frozen_too(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    lake = a_lake(tmp_path, [(1, "key-1", "outbound", 90), (11, "key-2", "outbound", 80)])
    opened(staffed, a_flag(), read=principal_rows(lake))
    later = a_flag(START + timedelta(minutes=10))
    flag(staffed.engine, a_flag(), later, at=staffed.now)
    for _ in range(2):
        with transaction(staffed.engine) as session:
            decision = Decision(session, ENFORCER, staffed.now)
            freeze_principals(decision, [staffed.case().id], principal_rows(lake))

    with reading(staffed.engine) as session:
        shown = case_view(session, staffed.case().id, staffed.now)
    assert [each.principal_id for each in shown.principals] == ["key-1", "key-2"]
    assert [entry.action for entry in shown.history].count("case.principals_frozen") == 2


def test_all_access_is_not_approved_without_counsel(staffed: StaffedDeployment) -> None:
    opened(staffed, a_flag())
    staffed.determine(measure=MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS, Scope()))
    staffed.approve()
    assert staffed.state is CaseState.DETERMINED

    staffed.approve("carol", capacity=Capacity.COUNSEL)

    assert staffed.enforce().state is CaseState.SUSPENDED


def test_a_country_and_a_feature_that_the_offer_excludes_are_told_to_the_approver(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    load_rows(
        staffed.engine,
        tmp_path,
        a_row(offer_version="10.0", country="JP", features="voice_driven_ivr;callback"),
        at=staffed.now,
    )
    opened(staffed, a_flag())
    staffed.determine()

    with reading(staffed.engine) as session:
        remarks = case_view(session, staffed.case().id, staffed.now).proposals[-1].remarks
    assert any("voice_driven_ivr" in remark and "JP" in remark for remark in remarks)
