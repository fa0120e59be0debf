"""What people ask for with an act on a case: a measure, a finding of fraud, a letter, a bulk dismissal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.grounds import MAY_BE_TAKEN_OVER, Ground
from cjp_fraud.review.model import CauseKind, NamedEvidence, TenantsPart


@dataclass(frozen=True, slots=True)
class MeasureWanted:
    """What a reviewer wants restricted, and for how long.

    Parameters
    ----------
    kind : None: all of the flagged channels' outbound traffic, where the flags are outbound only.
    duration : whole hours; None: the provider's review period.
    why_wider : why no narrower measure is enough; asked where the contract wants the narrowest. None: not said.
    """

    kind: MeasureKind | None = None
    scope: Scope = field(default_factory=Scope)
    duration: timedelta | None = None
    why_wider: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether a scope has its kind of measure beside it."""
        return self.kind is not None or replace(self.scope, calls_in_progress=None) == Scope()


@dataclass(frozen=True, slots=True)
class FraudFinding:
    """What a reviewer says of the flagged traffic that they found fraudulent.

    Parameters
    ----------
    tenants_part : must be said; None is refused.
    measure : what is to be restricted; None: what the rules propose.
    flag_ids : which flags; None: all in force of the case.
    grounds : why it is fraud, from the catalogue; the customer is told. None at all is refused.
    taken_over : whether the customer's account may have been taken over; some grounds say so by themselves.
    evidence : on what of the evidence the finding rests; the approver is shown it.
    """

    reasons: str
    tenants_part: TenantsPart | None
    measure: MeasureWanted | None = None
    flag_ids: Collection[str] | None = None
    grounds: Collection[Ground] = ()
    taken_over: bool = False
    evidence: Collection[NamedEvidence] = ()

    @property
    def account_taken_over(self) -> bool:
        """Whether the account may have been taken over, by the reviewer's word or by the grounds."""
        return self.taken_over or bool(MAY_BE_TAKEN_OVER & set(self.grounds))


@dataclass(frozen=True, slots=True)
class WarningWanted:
    """What a conditional warning announces, and why it is sent.

    Parameters
    ----------
    measure : as for a determination; None: all of the flagged channels' outbound traffic.
    taken_over : whether the account may have been taken over: every address of the contract is served then.
    """

    reasons: str
    measure: MeasureWanted | None = None
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class BreachWanted:
    """What a notice of breach says, and why it is sent.

    Parameters
    ----------
    term : the term of the contract that is not met, in the contract's language.
    cure_days : calendar days to put it right, where the contract states no cure period; None: it does.
    """

    reasons: str
    term: str
    cure_days: int | None = None


@dataclass(frozen=True, slots=True)
class BulkWanted:
    """What somebody asks who dismisses cases together.

    Parameters
    ----------
    kind : what they have in common.
    expected : how many cases they were shown.
    reasons : stored with each case.
    seen : what stood for exactly these cases on the page; None: the number alone counts.
    """

    kind: CauseKind
    expected: int
    reasons: str
    seen: str | None = None
