"""What callers send, and what the operations take of it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope
from cjp_fraud.contracts.standing_consent import SignedProof, StandingConsent
from cjp_fraud.people.model import Role, TurnWanted
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.known_event import MOST_CHARACTERS, KnownEventKind, KnownEventWanted
from cjp_fraud.review.model import (
    Capacity,
    CauseKind,
    CustomersAnswer,
    DisputeDecision,
    Finding,
    NamedEvidence,
    RestoreCheck,
    TenantsPart,
    WrongCause,
)
from cjp_fraud.review.requests import BulkWanted, FraudFinding, MeasureWanted
from cjp_fraud.web.api.fields import Body, Line, Moment, Name, Sha, Tenant, Text
from features.counting_clocks import Clock


class Reasons(Body):
    """Why."""

    reasons: Text = Field(examples=["The customer confirmed a product launch; the growth is expected."])


class Reinstatement(Reasons):
    """Why service is restored, and what was seen to before."""

    checks: tuple[RestoreCheck, ...] = Field((), max_length=10)


class Comment(Body):
    """Words on a case."""

    text: Text = Field(examples=["Asked the customer's administrator by telephone."])


class Question(Comment):
    """What a customer's out-of-band contact is asked."""

    contact: Line | None = Field(None, description="id of the contact's address; null: the only one")


class Answer(Comment):
    """What the customer answered, in their words."""

    answer: CustomersAnswer


class ScopeBody(Body):
    """What exactly a measure restricts; an empty list does not narrow it."""

    channels: tuple[Line, ...] = Field((), max_length=20)
    directions: tuple[Line, ...] = Field((), max_length=2)
    application_ids: tuple[Line, ...] = Field((), max_length=100)
    principal_ids: tuple[Line, ...] = Field((), max_length=100)
    destination_prefixes: tuple[Line, ...] = Field((), max_length=100)
    origins: tuple[Line, ...] = Field((), max_length=100)
    contacts_per_hour: int | None = Field(None, ge=1, le=999_999)
    calls_in_progress: CallsInProgress | None = Field(
        None, description="null: cut those to flagged destinations"
    )


class Determination(Body):
    """A finding of fraud, and what is to be restricted."""

    reasons: Text
    tenants_part: TenantsPart
    grounds: tuple[Ground, ...] = Field(min_length=1, max_length=50, description="from the catalogue")
    measure: MeasureKind | None = Field(None, description="null: what the rules propose")
    scope: ScopeBody = ScopeBody()
    duration_hours: int | None = Field(None, ge=1, le=8_784, description="null: the review period")
    flag_ids: tuple[Line, ...] | None = Field(None, max_length=2_000, description="null: all in force")
    because_wider: Text | None = Field(None, description="why no narrower measure is enough, where one is")
    evidence: tuple[NamedEvidence, ...] = Field((), max_length=20, description="on what the finding rests")
    taken_over: bool = Field(False, description="whether the customer's account may have been taken over")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reasons": "Calls to one premium range at night, from one credential.",
                    "tenants_part": "victim",
                    "grounds": [next(iter(Ground))],
                    "measure": "block_destinations",
                    "scope": {"destination_prefixes": ["+371"]},
                    "duration_hours": 24,
                }
            ]
        }
    )

    @property
    def finding(self) -> FraudFinding:
        """The finding, as the operation takes it."""
        hours = self.duration_hours
        return FraudFinding(
            reasons=self.reasons,
            tenants_part=self.tenants_part,
            measure=MeasureWanted(
                self.measure,
                Scope(**self.scope.model_dump()),
                timedelta(hours=hours) if hours is not None else None,
                self.because_wider,
            ),
            flag_ids=self.flag_ids,
            grounds=self.grounds,
            taken_over=self.taken_over,
            evidence=self.evidence,
        )


class Approval(Body):
    """Exactly the version that is approved."""

    proposal_sha256: Sha = Field(description="digest of the proposal that was read", examples=["0" * 64])
    capacity: Capacity | None = Field(None, description="null: as approver where the person is one")


class EmergencyOrder(Body):
    """Exactly the version that is carried out before anybody approves it, and why it cannot wait."""

    reasons: Text = Field(examples=["It goes on at 40 dollars a minute, and nobody else is on call."])
    proposal_sha256: Sha = Field(description="digest of the proposal that was read", examples=["0" * 64])


class Consent(Body):
    """What a customer has signed beforehand about a cap of their own traffic, and the file that they signed."""

    reference: Line = Field(description="of the signed document")
    clause: Line
    countries: tuple[Line, ...] = Field(min_length=1, max_length=250, description="ISO 3166-1, two letters")
    cents_per_hour: int = Field(ge=1, le=2**53)
    cap_hours: int = Field(ge=1, le=72)
    valid_from: Moment
    valid_to: Moment
    hours_from: time = Field(time(0), description="on the customer's clock, without a zone")
    hours_to: time = Field(time(0), description="the same as `hours_from`: all day")
    channels: tuple[Line, ...] = Field(("voice",), min_length=1, max_length=2)
    proof_name: Line = Field(description="name of the file that the customer signed")
    proof_sha256: Sha

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "Order form 7, signed 2026-01-05",
                    "clause": "section 4.2",
                    "countries": ["LV"],
                    "cents_per_hour": 10_000,
                    "cap_hours": 4,
                    "valid_from": "2026-01-05T00:00:00Z",
                    "valid_to": "2027-01-05T00:00:00Z",
                    "proof_name": "order-form-7.pdf",
                    "proof_sha256": "0" * 64,
                }
            ]
        }
    )

    @property
    def says(self) -> StandingConsent:
        """The consent, as the operation takes it."""
        return StandingConsent(**self.model_dump(exclude={"proof_name", "proof_sha256"}))

    @property
    def proof(self) -> SignedProof:
        """The file that the customer signed."""
        return SignedProof(self.proof_name, self.proof_sha256)


class StopClearing(Body):
    """Which order of counsel is cleared, and why."""

    reasons: Text
    stop_id: Line | None = Field(None, description="null: the one that stands")


class Reaffirmation(Body):
    """Why a measure is kept."""

    look: Line = Field(description="8 or more digits of the look at the traffic that the person took")
    reasons: Text
    although_quiet: Text | None = None


class BudgetsTried(Body):
    """Other budgets of the detection."""

    cases_per_day: tuple[Annotated[float, Field(gt=0, le=100_000)], ...] = Field(
        (), max_length=20, description="empty: 5 to 80, and the deployment's own"
    )
    episodes_per_series_week: float | None = Field(None, gt=0, le=1_000, description="null: the deployment's")


class Promotion(Body):
    """Why a version is promoted although trials say that it is worse."""

    because: Text | None = Field(None, description="null: only if it is no worse")


class ThresholdSet(Body):
    """A threshold of a clock, from the next UTC midnight on."""

    clock: Clock
    threshold: float | None = Field(ge=1, le=100, description="null: the model version's own counts again")
    because: Text


class ShadowWanted(Body):
    """What is tried in shadow: thresholds by clock, or a model version's."""

    thresholds: dict[Clock, Annotated[float, Field(ge=1, le=100)]] = Field(
        {}, description="clocks that are left out: as in force", examples=[{"minute": 3.0}]
    )
    version: str | None = Field(
        None, pattern=r"^[0-9a-f-]{8,36}$", description="instead: a version's Monday, or how its id begins"
    )
    days: float | None = Field(None, gt=0, le=28, description="null: seven")


class ContractText(Body):
    """A contract's file as counsel read it."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,100}\.(toml|json)$")] = (
        Field(examples=["acme.toml"])
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=500_000)]


class SecondFinding(Body):
    """What a second reader found."""

    finding: Finding
    reasons: Text


class DisputeAnswer(Body):
    """How a dispute is decided; ``upheld`` is for the tenant; ``cause``: what its measure goes back to."""

    decision: DisputeDecision
    reasons: Text
    cause: WrongCause | None = None


class NarrowingBody(Reasons):
    """What stays restricted after a dispute, why, and what the part that was too wide goes back to."""

    measure: MeasureKind = Field(examples=["block_destinations"])
    scope: ScopeBody = ScopeBody()
    cause: WrongCause | None = None

    @property
    def wanted(self) -> MeasureWanted:
        """The measure, as the operation takes it."""
        return MeasureWanted(self.measure, Scope(**self.scope.model_dump()))


class WrongFinding(Body):
    """A measure that has ended was wrongful."""

    cause: WrongCause
    reasons: Text


class WrongAssessment(Body):
    """What a wrongful measure goes back to, and what is credited; absent: as it stands."""

    line: str | None = Field(
        None,
        min_length=6,
        max_length=36,
        pattern=r"^[0-9a-fA-F-]+$",
        description="`id` of its line of the ledger, or how it begins; null: the case has only one",
    )
    cause: WrongCause | None = None
    credit_cents: int | None = Field(default=None, ge=0, le=10**12)


class BulkDismissal(Body):
    """The cases of a cause that are dismissed together, as they were shown."""

    kind: CauseKind
    expected: int = Field(ge=1, le=100_000, description="how many cases were shown; with another number: 409")
    seen: Sha | None = Field(
        None, description="`seen` of the cause that was shown; null: the number alone counts"
    )
    reasons: Text = Field(examples=["The source delivered the same hour twice."])

    @property
    def wanted(self) -> BulkWanted:
        """What is asked, as the operation takes it."""
        return BulkWanted(self.kind, self.expected, self.reasons, self.seen)


class NewKnownEvent(Body):
    """A known event: what people know of that explains unusual traffic."""

    kind: KnownEventKind
    words: Text = Field(max_length=MOST_CHARACTERS, examples=["Spring sale, announced in March."])
    begins_at: Moment = Field(examples=["2026-04-01T08:00:00+02:00"])
    ends_at: Moment = Field(examples=["2026-04-03T20:00:00+02:00"])
    tenant_id: Tenant | None = Field(None, description="null: all tenants, or those of `countries`")
    channel: Line | None = Field(None, description="null: every channel", examples=["voice"])
    countries: tuple[Line, ...] = Field(
        (), max_length=250, description="of the tenants, ISO 3166-1, two letters; empty: all"
    )

    @property
    def wanted(self) -> KnownEventWanted:
        """The event, as the operation takes it."""
        return KnownEventWanted(**self.model_dump())


class NewUser(Body):
    """A person who may act."""

    name: Name = Field(examples=["rita"])
    roles: tuple[Role, ...] = Field(min_length=1, max_length=6)
    identities: tuple[Line, ...] = Field(
        min_length=1, max_length=20, examples=[["mail:rita@provider.example"]]
    )
    display_name: Line | None = None


class RoleReach(Body):
    """Cases to which a role is narrowed; an empty list does not narrow it."""

    channels: tuple[Line, ...] = Field((), max_length=10, examples=[["voice"]])
    countries: tuple[Line, ...] = Field((), max_length=250, examples=[["FR", "DE"]])


class IdentityOf(Body):
    """One more identity of a user."""

    identity: Line = Field(examples=["account:rita"])


class NewTurn(Body):
    """A turn of the roster: who is on call to approve, when, and how they are paged."""

    user: Name = Field(examples=["adam"])
    place: int = Field(ge=1, le=99, description="1 is paged first")
    days: tuple[Line, ...] = Field(min_length=1, max_length=7, examples=[["mon", "tue", "wed", "thu", "fri"]])
    begins: Line = Field(examples=["08:00"])
    ends: Line = Field(examples=["20:00"], description="not after the beginning: on the next day")
    time_zone: Line = Field(examples=["Europe/Paris"])
    webhook: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = Field(
        None, examples=["https://pager.example/adam"]
    )
    mail: Line | None = Field(None, examples=["adam@provider.example"])

    @property
    def wanted(self) -> TurnWanted:
        """The turn, as the operation takes it."""
        return TurnWanted(**self.model_dump())


class NewWebhook(Body):
    """An address that is told of events."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] = Field(
        examples=["https://receiver.example/cjp-fraud"]
    )
    events: tuple[Line, ...] = Field(("*",), min_length=1, max_length=100, examples=[["case.*", "measure.*"]])
