"""Everything that the review has on record of one case, as screens and programs see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import Recipient, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.contradictions import OpenContradiction
from cjp_fraud.review.attachment_rules import AttachmentKind
from cjp_fraud.review.case_outline import CaseOutline
from cjp_fraud.review.evidence import FlagView
from cjp_fraud.review.known_event import KnownEventView
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
class AttachmentView:
    """A file beside a comment; ``erased_at`` says when its name and what it held were erased, None: they were not."""

    id: str
    name: str
    kind: AttachmentKind
    size_bytes: int
    sha256: str
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class CommentView:
    """What somebody wrote on the case, and why, with the files beside it."""

    at: datetime
    by: str
    kind: CommentKind
    text: str
    attachments: tuple[AttachmentView, ...] = ()


@dataclass(frozen=True, slots=True)
class DeterminationView:
    """A person's finding; ``flags`` counts those that it names.

    ``why_wider`` says why no narrower measure is enough; None: it was not said.
    """

    number: int
    at: datetime
    by: str
    finding: Finding
    tenants_part: TenantsPart | None
    grounds: tuple[str, ...]
    flags: int
    reasons: str
    evidence_sha256: str | None
    why_wider: str | None = None


@dataclass(frozen=True, slots=True)
class ProposedMeasure:
    """What is to be restricted, for how many hours, and after how many it is reviewed.

    ``replayed`` says what it would have done in the flagged intervals; None: it was not replayed.
    """

    kind: MeasureKind
    scope: Scope
    hours: int
    review_hours: int
    replayed: str | None = None


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

    ``rests_on`` names what of the evidence the reviewer ticked. ``letter`` has the placeholders ``⟦name⟧`` that its
    dispatch fills in.
    """

    number: int
    id: str
    sha256: str
    mode: PlatformMode
    drawn_at: datetime
    expires_at: datetime
    measure: ProposedMeasure
    grounds: tuple[str, ...]
    rests_on: tuple[str, ...]
    obstacles: tuple[str, ...]
    remarks: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    letter: str | None
    approvals: tuple[ApprovalView, ...]


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute of the finding in the tenant's words, and how it was decided; None: not yet.

    Parameters
    ----------
    decide_by : by when the letter says that it is decided; None: no letter says so.
    """

    id: str
    state: DisputeState
    opened_at: datetime
    answer_due_at: datetime
    decide_by: datetime | None
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
    """One entry of the audit log about the case, by its number in the log."""

    at: datetime
    actor: str
    action: str
    sequence: int


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
    known_events: tuple[KnownEventView, ...]
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
    outline: CaseOutline | None
