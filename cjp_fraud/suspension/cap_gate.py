"""What must hold before a cap that a customer has consented to beforehand; pure.

The signed document stands for the determination, the approval and the notice (points 2, 3 and 5 of the gate); all
other points are asked as ever. Facts in, decision out; what is not known (None) does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.standing_consent import LOOKED_AT, Breach, StandingConsent
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.requirements import Basis, GateDecision, Obstacle, Requirement

OF_EVERY_MEASURE: Final = frozenset(
    {
        *(Requirement.RECORD, Requirement.MODE, Requirement.CONTRACT),
        *(Requirement.CONFIRMATION, Requirement.STOPS),
    }
)
"""What is asked of a cap as of every measure."""


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """The signed document as it is on record.

    Parameters
    ----------
    says : None: it cannot be read.
    sha256, actual_sha256 : as recorded, and of the stored document.
    entered_by, confirmed_by : user ids; None: nobody.
    by_counsel, by_second_role : whether who entered it is counsel, and who confirmed it counsel or an approver, then.
    ended_at : when it was ended; None: it stands.
    """

    says: StandingConsent | None
    sha256: str | None
    actual_sha256: str | None
    proof_sha256: str | None
    entered_by: str | None
    by_counsel: bool | None
    confirmed_by: str | None
    by_second_role: bool | None
    confirmed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CapFacts:
    """All that is asked about a cap; moments are aware.

    Parameters
    ----------
    known : what the gate asks of every measure: the mode, the contract, stops, changed rows.
    breach : counted anew from the frozen traffic; None: it is none.
    evidence_sha256, actual_evidence_sha256 : as recorded, and of the stored evidence.
    kind, scope, ends_at : what is to be restricted, and until when.
    """

    known: GateFacts
    consent: ConsentFact | None
    breach: Breach | None
    evidence_sha256: str | None
    actual_evidence_sha256: str | None
    kind: MeasureKind | None
    scope: Scope | None
    ends_at: datetime | None


def check_cap(facts: CapFacts, at: datetime) -> GateDecision:
    """Return whether a cap may begin, or go on, at ``at`` (aware), with every reason why not."""
    asked = check(facts.known, at, OF_EVERY_MEASURE).obstacles
    changed = any(obstacle.requirement is Requirement.RECORD for obstacle in asked)
    own = (
        ()
        if changed  # changed rows prove nothing else
        else tuple(
            Obstacle(requirement, sentence) for requirement, rule in _RULES for sentence in rule(facts, at)
        )
    )
    return GateDecision((*asked, *own), Basis.STANDING_CONSENT)


def _evidence(facts: CapFacts, _at: datetime) -> list[str]:
    if facts.evidence_sha256 is None or facts.evidence_sha256 != facts.actual_evidence_sha256:
        return ["the frozen traffic does not match its digest"]
    if facts.breach is None:
        return ["the frozen traffic shows no more charged in an hour than the customer has signed"]
    return []


def _consent(facts: CapFacts, at: datetime) -> list[str]:
    consent = facts.consent
    if consent is None or consent.says is None:
        return ["no standing consent of the customer is on record"]
    says = consent.says
    checks = (
        (
            consent.sha256 is not None and consent.sha256 == consent.actual_sha256,
            "the standing consent does not match its digest; it was changed after it was entered",
        ),
        (bool(consent.proof_sha256), "the digest of the file that the customer signed is not on record"),
        (consent.by_counsel is True, "who entered the standing consent is not counsel"),
        (says.valid_from <= at < says.valid_to, "the standing consent is not valid now"),
        (consent.ended_at is None or consent.ended_at > at, "the standing consent was ended"),
    )
    return [sentence for holds, sentence in checks if not holds]


def _second_person(facts: CapFacts, at: datetime) -> list[str]:
    consent = facts.consent
    if consent is None:
        return []
    if consent.confirmed_by is None or consent.confirmed_at is None or consent.confirmed_at > at:
        return ["no second person has confirmed the standing consent"]
    checks = (
        (
            consent.by_second_role is True,
            "who confirmed the standing consent is neither counsel nor an approver",
        ),
        (
            consent.entered_by is not None and consent.confirmed_by != consent.entered_by,
            "one person entered and confirmed the standing consent",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]


def _end(facts: CapFacts, at: datetime) -> list[str]:
    says = facts.consent.says if facts.consent is not None else None
    if facts.ends_at is None or says is None:
        return ["the cap has no end"]
    if facts.ends_at <= at:
        return ["the cap's end has come"]
    return ["the cap would outlast what was signed"] if facts.ends_at > at + says.lasts else []


def _need(facts: CapFacts, at: datetime) -> list[str]:
    breach = facts.breach
    if breach is None or not at - LOOKED_AT < breach.end <= at:
        return ["the breach is not of the last hour"]
    return []


def _fit(facts: CapFacts, _at: datetime) -> list[str]:
    says = facts.consent.says if facts.consent is not None else None
    if says is None or (facts.kind, facts.scope) != (says.kind, says.scope):
        return ["the cap restricts something else than what was signed"]
    return []


_RULES: Final[tuple[tuple[Requirement, Callable[[CapFacts, datetime], list[str]]], ...]] = (
    (Requirement.EVIDENCE, _evidence),
    (Requirement.DETERMINATION, _consent),
    (Requirement.APPROVAL, _second_person),
    (Requirement.END, _end),
    (Requirement.NEED, _need),
    (Requirement.FIT, _fit),
)
