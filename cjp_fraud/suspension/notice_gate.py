"""What the gate asks of the notice and of the notice terms (point 5); pure.

What time alone mends is kept apart (:func:`timing_faults`): the earliest lawful minute is the first without it.
"""

from __future__ import annotations

from datetime import datetime

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.enforcement_window import next_in_window
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.earlier_notice import Announcing, EarlierNotice, held_by, held_until, sufficing
from cjp_fraud.suspension.chronology import Step, chronology_faults
from cjp_fraud.suspension.model import GateFacts, NoticeFact


def without_prior_notice(facts: GateFacts) -> str | None:
    """Return by what provision of the contract the measure needs no notice beforehand; None: it needs one.

    The measure is named as an operational control, the customer consented to it beforehand, all grounds of the
    determination fall under a ground that counsel has marked, or a conditional warning suffices. The letters are
    planned and go out all the same.
    """
    excepted = _excepted(facts)
    if excepted is not None:
        return excepted
    warning = sufficing_warning(facts)
    return f"{warning.in_words} is the notice that the contract asks for" if warning is not None else None


def sufficing_warning(facts: GateFacts) -> EarlierNotice | None:
    """Return the conditional warning that is the measure's notice by the contract; None: there is none."""
    terms = facts.contract.terms if facts.contract is not None else None
    proposal, determination = facts.proposal, facts.determination
    if proposal is None or proposal.kind is None:
        return None
    measure = Announcing(
        proposal.kind,
        proposal.scope,
        proposal.duration,
        determination.at if determination is not None else None,
        determination is not None and _taken_over(facts),
    )
    return sufficing(terms, facts.earlier or (), measure)


def _excepted(facts: GateFacts) -> str | None:
    """Return by what provision a measure needs no notice, or none on its grounds; None: by none."""
    terms = facts.contract.terms if facts.contract is not None else None
    if terms is None:
        return None
    grounds = facts.determination.grounds if facts.determination is not None else None
    return terms.needs_no_prior_notice(facts.proposal.kind if facts.proposal else None, grounds or ())


def terms_faults(facts: GateFacts) -> list[str]:
    """Return which values of the notice terms were not read, and which methods are not served, a sentence each."""
    contract = facts.contract
    if contract is None or contract.terms_faults is None:
        return ["it is not known whether the notice terms were read"]
    if contract.terms is None and not contract.terms_faults:
        return ["the notice terms of the contract are not known"]
    return list(contract.terms_faults)


def notice_faults(
    facts: GateFacts, at: datetime, released_by: Step, released_at: datetime | None
) -> list[str]:
    """Return what is wrong with the notice, a sentence each; what time mends is part of it.

    Parameters
    ----------
    at : aware.
    released_by, released_at : what lets the notice go (the approval, or the emergency order), and when it was given;
        None: it was not.
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
        (
            notice.everywhere is True or (notice.everywhere is False and not _taken_over(facts)),
            "the account may have been taken over, and the notice does not go to every address of the contract",
        ),
    )
    moments = {
        released_by: released_at,
        Step.PLANNED: notice.planned_at,
        Step.DISPATCHED: notice.dispatched_at,
    }
    timing = [] if without_prior_notice(facts) is not None else _service_faults(notice, at)
    timing += _earlier_faults(facts, at)
    return [sentence for holds, sentence in checks if not holds] + timing + list(chronology_faults(moments))


def _taken_over(facts: GateFacts) -> bool:
    """Whether the customer's account may have been taken over; where it is not known, it may."""
    determination = facts.determination
    return determination is None or determination.account_taken_over is not False


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


def _earlier_faults(facts: GateFacts, at: datetime) -> list[str]:
    """Return which letters state a later beginning than ``at``, or are not served for long enough.

    What the notice states because of a letter before it binds also once that letter is withdrawn: it has left.
    """
    if facts.earlier is None:
        return ["it is not known what else was sent on the case"]
    faults = [
        f"{each.in_words} states that nothing is restricted before {moment:%Y-%m-%d %H:%M:%SZ}"
        for each, moment in held_by(facts.earlier)
        if moment > at
    ]
    stated = facts.notice.not_before if facts.notice is not None else None
    if stated is not None and stated > at:
        faults.append(f"the notice states that nothing is restricted before {stated:%Y-%m-%d %H:%M:%SZ}")
    warned_at = _warned_at(facts)
    if warned_at is not None and warned_at > at:
        faults.append(
            f"the conditional warning lets the measure follow from {warned_at:%Y-%m-%d %H:%M:%SZ} on"
        )
    return faults


def _warned_at(facts: GateFacts) -> datetime | None:
    """Return from when the warning lets the measure follow that is its notice; None: no warning is."""
    warning = sufficing_warning(facts) if _excepted(facts) is None else None
    return warning.complete_at if warning is not None else None


def held_moments(facts: GateFacts) -> list[datetime]:
    """Return the moments before which letters of before, and what the notice says of them, let nothing begin."""
    stated = facts.notice.not_before if facts.notice is not None else None
    moments = [held_until(facts.earlier or ()), _warned_at(facts), stated]
    return [moment for moment in moments if moment is not None]


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
    return waits + _earlier_faults(facts, at) + window_faults(facts, at)


def permitted_from(facts: GateFacts, released_at: datetime | None) -> datetime | None:
    """Return from when the notice lets the measure follow; None: not yet known.

    Where no notice is needed beforehand, from ``released_at`` (the approval, or the emergency order) on, once the
    notice is planned. Never before what letters of before state.
    """
    notice = facts.notice
    if notice is None:
        return None
    excepted = without_prior_notice(facts) is not None
    waits = [released_at, notice.planned_at] if excepted else [notice.complete_at]
    known = [moment for moment in waits if moment is not None]
    return max(*known, *held_moments(facts), known[0]) if len(known) == len(waits) else None
