"""Both editions of one case that went the whole way, signed, in a home that has staff, comments and other tenants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cjp_fraud.audit.head_keys import HeadKeys, PublicKey
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.model import Edition
from cjp_fraud.people.model import INIT, Actor, Decision, GivenIdentity, Role
from cjp_fraud.people.users import create_user
from cjp_fraud.storage.database import make_engine, transaction
from tests.integration.compliance.conftest import NIGHT, CaseSteps
from tests.mail_servers import smtp_server

STAFF = ("rita", "aron", "cora", "anna", "dora", "otto")
STAFF_MAIL = "rita.smith@provider.example"
OTHER_TENANTS = ("globex", "initech-2")
THRESHOLD = 2.4173
WORDS = (
    "Calls to premium numbers at night.",
    "Premium numbers, no agent was on duty.",
    "The attack goes on, says aron.",
    "Until the court has decided.",
    "None was planned.",
)
CUSTOMERS_WORDS = "It was our own campaign."


@dataclass(frozen=True)
class TwoEditions:
    """The files, the key that signed both, and the folder that they lie in."""

    internal: Path
    disclosable: Path
    key: PublicKey
    folder: Path

    @property
    def key_file(self) -> Path:
        """The public key as somebody outside keeps it."""
        return self.folder / "kept.pem"


def make_editions(folder: Path, template: bytes) -> TwoEditions:
    """Tell a case from the first flag to its reinstatement, and export it twice."""
    (folder / "cjp_fraud.db").write_bytes(template)
    engine = make_engine(f"sqlite:///{folder / 'cjp_fraud.db'}")
    with smtp_server() as server:
        told = CaseSteps(engine, folder, server.port, frozen_rows=frozen_rows())
        for tenant in OTHER_TENANTS:
            other = CaseSteps(engine, folder, server.port, tenant=tenant, now=told.now)
            other.flagged()
            told.now = other.now
        told.people()
        with transaction(engine) as session:
            decision = Decision(session, Actor(INIT), told.tick())
            create_user(
                decision, "otto", [Role.ADMIN], identities=[GivenIdentity.parse(f"mail:{STAFF_MAIL}")]
            )
        told.suspended()
        told.kept_and_disputed()
        told.reinstated()
    keys = HeadKeys(folder / "keys")
    keys.make()
    made = {}
    for edition in Edition:
        out = folder / f"{edition}.zip"
        by = told.who("cora")
        exported = export_evidence(
            engine, told.case_id, out, by, told.tick(), key=keys.private(), edition=edition
        )
        assert exported.faults == (), exported.faults
        made[edition] = out
    engine.dispose()
    key = keys.private().public
    (folder / "kept.pem").write_bytes(key.pem)
    return TwoEditions(made[Edition.INTERNAL], made[Edition.DISCLOSABLE], key, folder)


def frozen_rows() -> list[Mapping[str, Any]]:
    """Return traffic and scores around the flagged intervals, as the lake would give them."""
    series = {"channel": "voice", "direction": "outbound", "application_id": None, "interval_seconds": 300}
    rows: list[Mapping[str, Any]] = []
    for place in range(-24, 4):
        start = NIGHT + timedelta(minutes=5 * place)
        observed = 140.0 if 0 <= place < 3 else 9.0 + place % 3
        common = {**series, "series_id": "5e" * 16, "interval_start": start}
        rows.append({"table": "traffic", **common, "contacts_offered": observed})
        rows.append(
            {
                "table": "scores",
                **common,
                "observed": observed,
                "baseline": 10.0,
                "excess": observed - 10,
                "against_season": (observed - 10) / 2.5,
                "threshold": THRESHOLD,
                "noise": 1.6180339,
                "flagged": 0 <= place < 3,
                "p_value": 0.001,
            }
        )
    return rows
