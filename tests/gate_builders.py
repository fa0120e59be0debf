"""Facts for the gate, in tests: all of its points hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.model import FeedStanding, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.measure_fit import Flagged, Stream, Usual
from cjp_fraud.review.model import Capacity, Finding, Quantity, TenantsPart
from cjp_fraud.suspension.model import (
    ApprovalFact,
    ContractFact,
    DeterminationFact,
    FlagFact,
    GateFacts,
    NoticeFact,
    ProposalFact,
)

NOW = datetime(2015, 4, 2, 12, tzinfo=UTC)
VERSIONS = {"notice_terms": "t1", "addresses": "a1"}


def the_facts(**changes: Any) -> GateFacts:
    """All nine points hold, at noon."""
    facts = GateFacts(
        mode_in_force=PlatformMode.ACT,
        fresh=timedelta(hours=72),
        flags=(FlagFact(True, True, Quantity.CONTACTS, 130.0, True),),
        flagged=Flagged(frozenset({Usual(Stream("voice", "outbound"), None, 10.0)})),
        row_faults=(),
        newest_flag_end=NOW - timedelta(hours=1),
        need_stated_at=None,
        determination=DeterminationFact(
            finding=Finding.FRAUDULENT,
            is_latest=True,
            by_user_id="rita",
            by_reviewer=True,
            has_reasons=True,
            grounds=(Ground.UNATTENDED,),
            tenants_part=TenantsPart.VICTIM,
            at=NOW - timedelta(minutes=50),
        ),
        proposal=ProposalFact(
            sha256="p" * 64,
            actual_sha256="p" * 64,
            mode=PlatformMode.ACT,
            evidence_sha256="e" * 64,
            actual_evidence_sha256="e" * 64,
            plan_sha256="n" * 64,
            versions=VERSIONS,
            kind=MeasureKind.SUSPEND_CHANNEL,
            scope=Scope(channels=("voice",), directions=("outbound",)),
            duration=timedelta(hours=72),
            review_after=timedelta(hours=72),
            drawn_at=NOW - timedelta(minutes=50),
        ),
        approvals=(an_approval(),),
        contract=ContractFact(
            right=Right.CLAUSE_2_4,
            deployment_accepted=True,
            term_faults=(),
            term_running=True,
            language="en",
            longest_measure=timedelta(days=10),
            critical=False,
            versions=VERSIONS,
            feed=FeedStanding(None, frozenset()),
            former_address_erased=False,
            terms_faults=(),
            terms=ContractTerms(suspension=plain_terms()),
        ),
        notice=NoticeFact(
            mode=PlatformMode.ACT,
            plan_sha256="n" * 64,
            cancelled=False,
            language="en",
            planned_at=NOW - timedelta(minutes=10),
            dispatched_at=NOW - timedelta(minutes=5),
            complete_at=NOW - timedelta(minutes=5),
            states_end_at=NOW - timedelta(minutes=5) + timedelta(hours=72),
            contradictions=(),
            terms=plain_terms(),
            calendars=Calendars("UTC"),
            failed=False,
        ),
        stops=(),
    )
    return replace(facts, **changes)


def an_approval(**changes: Any) -> ApprovalFact:
    """An approver's approval that counts, but for ``changes``."""
    approval = ApprovalFact(
        by_user_id="adam",
        capacity=Capacity.APPROVER,
        at=NOW - timedelta(minutes=10),
        proposal_sha256="p" * 64,
        has_role=True,
        took_part=False,
        edited_contract=False,
        too_new=(),
    )
    return replace(approval, **changes)
