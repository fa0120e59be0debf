"""What the gate asks of the notice and of the notice terms (point 5); pure.

What time alone mends is kept apart (:func:`timing_faults`): the earliest lawful minute is the first without it.
"""

from __future__ import annotations

from datetime import datetime

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.enforcement_window import next_in_window
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.errors import BadInputError
from cjp_fraud.suspension.chronology import Step, chronology_faults
from cjp_fraud.suspension.model import GateFacts, NoticeFact


def without_prior_notice(facts: GateFacts) -> str | None:
    """Return by what provision of the contract the measure needs no notice beforehand; None: it needs one.

    The measure is named as an operational control, the customer consented to it beforehand, or all grounds of the
    determination fall under a ground that counsel has marked. The letters are planned and go out all the same.
    """
    terms = facts.contract.terms if facts.contract is not None else None
    if terms is None:
        return None
    named = terms.needs_no_notice(facts.proposal.kind) if facts.proposal and facts.proposal.kind else None
    if named is not None:
        return f"the contract names {named.kind} as a measure without notice"
    grounds = facts.determination.grounds if facts.determination is not None else None
    ground = terms.ground_without_notice(grounds or ())
    return f"the contract's ground without prior notice: {ground.ground}" if ground is not None else None


def terms_faults(facts: GateFacts) -> list[str]:
    """Return which values of the notice terms were not read, and which methods are not served, a sentence each."""
    contract = facts.contract
    if contract is None or contract.terms_faults is None:
        return ["it is not known whether the notice terms were read"]
    if contract.terms is None and not contract.terms_faults:
        return ["the notice terms of the contract are not known"]
    return list(contract.terms_faults)


def notice_faults(facts: GateFacts, at: datetime, approved_at: datetime | None) -> list[str]:
    """Return what is wrong with the notice, a sentence each; what time mends is part of it.

    Parameters
    ----------
    at : aware.
    approved_at : when the approval that holds was given; None: none does.
    """
    notice = facts.notice
    if notice is None:
        return ["no notice was served"]
    approved = facts.proposal.plan_sha256 if facts.proposal else None
    language = facts.contract.language if facts.contract else None
    checks = (
        (notice.mode is PlatformMode.ACT, "the notice was only observed, not sent"),
        (notice.cancelled is False, "the notice was withdrawn"),
        (notice.planned_at is not None, "it is not known when the notice was planned"),
        (
            approved is not None and notice.plan_sha256 == approved,
            "the notice is not the one that was approved",
        ),
        (
            notice.language is not None and notice.language == language,
            "the notice is not known to be in the contract's language",
        ),
    )
    moments = {
        Step.APPROVED: approved_at,
        Step.PLANNED: notice.planned_at,
        Step.DISPATCHED: notice.dispatched_at,
    }
    timing = [] if without_prior_notice(facts) is not None else _service_faults(notice, at)
    return [sentence for holds, sentence in checks if not holds] + timing + list(chronology_faults(moments))


def _service_faults(notice: NoticeFact, at: datetime) -> list[str]:
    """Return why a notice is not sent, or not complete as the contract wants it, by ``at``."""
    faults = []
    if notice.dispatched_at is None or notice.dispatched_at > at:
        faults.append("no dispatch of a notice is on record")
    if notice.failed is not False:
        faults.append(
            "every method of serving that the contract permits has failed"
            if notice.failed
            else "it is not known whether the notice has failed"
        )
    if notice.complete_at is None:
        faults.append("the contract's notice is not complete")
    elif notice.complete_at > at:
        faults.append(f"the contract lets the measure follow from {notice.complete_at:%Y-%m-%d %H:%M:%SZ} on")
    return faults


def window_faults(facts: GateFacts, at: datetime) -> list[str]:
    """Return why ``at`` lies outside the contract's enforcement windows; none: it lies inside, or there are none."""
    begin = next_permitted(facts, at)
    if begin is None:
        return ["the contract's enforcement windows are not known for this time"]
    if begin == at:
        return []
    return [f"the contract's enforcement windows let a measure begin from {begin:%Y-%m-%d %H:%M:%SZ} on"]


def next_permitted(facts: GateFacts, at: datetime) -> datetime | None:
    """Return the first moment from ``at`` on in an enforcement window; None: it cannot be told."""
    notice = facts.notice
    if notice is None:
        return at
    if notice.terms is None or notice.calendars is None:
        return None
    if isinstance(notice.terms.windows, Unstated):
        return at
    try:
        return next_in_window(at, notice.terms.windows, notice.calendars)[0]
    except BadInputError:
        return None


def timing_faults(facts: GateFacts, at: datetime) -> list[str]:
    """Return what stands against a measure at ``at`` that time alone mends: the notice's periods and the windows."""
    notice = facts.notice
    waits = _service_faults(notice, at) if notice is not None and without_prior_notice(facts) is None else []
    return waits + window_faults(facts, at)


def permitted_from(facts: GateFacts, approved_at: datetime | None) -> datetime | None:
    """Return from when the notice lets the measure follow; None: not yet known.

    Where no notice is needed beforehand, from the approval on, once the notice is planned.
    """
    notice = facts.notice
    if notice is None:
        return None
    if without_prior_notice(facts) is None:
        return notice.complete_at
    if approved_at is None or notice.planned_at is None:
        return None
    return max(approved_at, notice.planned_at)
