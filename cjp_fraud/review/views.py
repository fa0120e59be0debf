"""Everything that the review has on record of one case, as screens and programs see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import Recipient, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.contradictions import OpenContradiction
from cjp_fraud.review.evidence import FlagView
from cjp_fraud.review.model import (
    Capacity,
    CaseState,
    CommentKind,
    DisputeState,
    Finding,
    StopKind,
    TenantsPart,
)
from cjp_fraud.review.principals import PrincipalView
from cjp_fraud.review.spike_runs import JointEvent


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """Flags of the tenant close in time."""

    id: str
    first_flag_at: datetime
    last_flag_at: datetime
    top_score: float
    flags: int


@dataclass(frozen=True, slots=True)
class CommentView:
    """What somebody wrote on the case, and why."""

    at: datetime
    by: str
    kind: CommentKind
    text: str


@dataclass(frozen=True, slots=True)
class DeterminationView:
    """A person's finding; ``flags`` counts those that it names."""

    number: int
    at: datetime
    by: str
    finding: Finding
    tenants_part: TenantsPart | None
    grounds: tuple[str, ...]
    flags: int
    reasons: str
    evidence_sha256: str | None


@dataclass(frozen=True, slots=True)
class ProposedMeasure:
    """What is to be restricted, for how many hours, and after how many it is reviewed."""

    kind: MeasureKind
    scope: Scope
    hours: int
    review_hours: int


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A person's approval of one version of a proposal."""

    by: str
    capacity: Capacity
    at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """What an approver is asked to approve; ``obstacles`` say why it can't be approved; ``remarks`` stop nobody.

    ``letter`` has the placeholders ``⟦name⟧`` that its dispatch fills in.
    """

    number: int
    id: str
    sha256: str
    mode: PlatformMode
    drawn_at: datetime
    expires_at: datetime
    measure: ProposedMeasure
    grounds: tuple[str, ...]
    obstacles: tuple[str, ...]
    remarks: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    letter: str | None
    approvals: tuple[ApprovalView, ...]


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute of the finding in the tenant's words, and how it was decided; None: not yet."""

    id: str
    state: DisputeState
    opened_at: datetime
    answer_due_at: datetime
    text: str
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None


@dataclass(frozen=True, slots=True)
class StopView:
    """What shuts, or shut, the gate; ``cleared_at`` None: it stands."""

    id: str
    kind: StopKind
    opened_at: datetime
    opened_by: str
    reasons: str | None
    cleared_at: datetime | None
    cleared_by: str | None


@dataclass(frozen=True, slots=True)
class OtherCase:
    """Another case of the same tenant."""

    number: int
    state: CaseState
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of the audit log about the case."""

    at: datetime
    actor: str
    action: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with its flags, people's decisions, disputes, stops and history; moments aware, in UTC."""

    number: int
    id: str
    tenant_id: str
    customer_name: str | None
    state: CaseState
    claimed_by: str | None
    opened_at: datetime
    closed_at: datetime | None
    first_flag_at: datetime
    last_flag_at: datetime
    top_score: float
    flags_in_force: int
    flags_since_closed: int
    notice_terms: str
    right_to_suspend: Right
    critical: bool
    flags: tuple[FlagView, ...]
    joint_events: tuple[JointEvent, ...]
    principals: tuple[PrincipalView, ...]
    episodes: tuple[EpisodeView, ...]
    comments: tuple[CommentView, ...]
    determinations: tuple[DeterminationView, ...]
    proposals: tuple[ProposalView, ...]
    disputes: tuple[DisputeView, ...]
    contradictions: tuple[OpenContradiction, ...]
    stops_standing: tuple[str, ...]
    stops: tuple[StopView, ...]
    tenants_other_cases: tuple[OtherCase, ...]
    history: tuple[HistoryEntry, ...]
