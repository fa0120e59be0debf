"""Say why a contract stands as it does at a moment: the chain of reasoning, topic by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cjp_fraud.clock import utc_text
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.reason_profiles import LAWS
from cjp_fraud.contracts.stated import stated

if TYPE_CHECKING:
    from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.terms_in_words import beside_the_notice


@dataclass(frozen=True, slots=True)
class Explained:
    """One topic, and the sentences that explain it, in the order in which they follow from each other."""

    topic: str
    steps: tuple[str, ...]


def explained(position: Contract, remarks: Sequence[str], at: datetime) -> tuple[Explained, ...]:
    """Return the reasoning behind a contract's position.

    Parameters
    ----------
    remarks : what the offer catalogue says of the service, a sentence each.
    at : aware; the moment that the position is of.
    """
    return (
        Explained("governing document", _document_steps(position)),
        Explained("term and its proof", _term_steps(position, at)),
        Explained("notice terms", _notice_steps(position)),
        *(
            [Explained("measures", beside_the_notice(position.terms))]
            if position.terms is not None and beside_the_notice(position.terms)
            else []
        ),
        Explained("statement of reasons", _reasons_steps(position)),
        Explained(
            "deployment", (position.deployment_fault or "it is one that the provider runs (clause 3)",)
        ),
        Explained(
            "offer",
            tuple(remarks)
            or (
                f"offer {position.offer_version} has nothing against its country, features, purchase model and "
                "deployment (clauses 1, 2.5, 3)",
            ),
        ),
    )


def _reasons_steps(position: Contract) -> tuple[str, ...]:
    entity = position.documents.contracting_entity if position.documents is not None else None
    who = (
        f"{entity} contracted"
        if entity is not None
        else f"no contracting entity is entered: what counsel decided for provider {position.provider_id} counts"
    )
    laws = " and ".join(LAWS[each.profile] for each in position.reason_profiles)
    wanted = f"a statement of reasons must hold what {laws} wants" if laws else "no law's list is turned on"
    return (who, f"{wanted} (cjp-fraud reasons profiles)")


def _document_steps(position: Contract) -> tuple[str, ...]:
    answer = position.governing
    if answer is not None:
        nothing = ("so no document governs, and the gate stays shut",) if answer.faults else ()
        return (*answer.steps, *answer.faults, *nothing)
    document = position.governing_document
    if document is None:
        return ("it is not known which document governs, and the gate stays shut",)
    said = {
        Right.CLAUSE_2_4: "it gives the right to suspend for fraudulent use (clause 2.4)",
        Right.NONE: "it gives no right to suspend for fraudulent use",
        Right.NOT_READ: "whether it gives the right to suspend has not been read",
    }
    return (
        "no documents are entered; contracts load FILE enters them",
        f"{document.reference} is named as governing (version {document.version} on record)",
        said[position.right],
    )


def _term_steps(position: Contract, at: datetime) -> tuple[str, ...]:
    zone = ZoneInfo(position.time_zone)
    steps = [
        f"{notice.part or 'a part not said'} was provisioned by a notice of {notice.given_on or 'a day not said'}, "
        f"given {notice.how or 'in a way not said'}, proof {notice.proof or 'none'}"
        f" ({f'{notice.page}: ' if notice.page else ''}{notice.source}, recorded {utc_text(notice.recorded_at)})"
        for notice in position.provisioning_notices
    ]
    first, begins = position.provisioning_notice_date, position.term_from
    if first is not None:
        steps.append(f"the term runs from the first notice of provisioning, {first} (clause 2.1)")
        if begins is not None and begins.astimezone(zone).date().isoformat() != first:
            steps.append(
                f"it is entered from {begins.astimezone(zone).date()} on; of the two days the later one counts "
                "for a measure"
            )
    if position.term_to is not None:
        steps.append(f"the term ends at {utc_text(position.term_to)}")
    faults = position.term_faults(at)
    if faults:
        return (*steps, *faults)
    running = "runs" if position.term_running(at) else "does not run"
    return (*steps, f"the term is proven, and {running} at {utc_text(at)}")


def _notice_steps(position: Contract) -> tuple[str, ...]:
    if position.notice_terms is None:
        return (
            f"{position.notice_terms_fault or 'the notice clause has not been read'}; the gate stays shut",
        )
    terms = position.notice_terms
    methods = "; then ".join(
        f"step {step.number}: {step.combine.value.replace('_', ' ')} "
        + ", ".join(f"{rule.method} to {' and '.join(rule.address_roles)}" for rule in step.methods)
        for step in terms.steps
    )
    steps = [f"a suspension is noticed by {methods}"]
    if position.governing is not None and position.governing.terms_of is not None:
        steps.insert(0, f"they are those of {position.governing.terms_of}")
    if position.terms is not None and (clause := stated(position.terms.source.clause)):
        steps.insert(0, f"they were read in {clause}")
    return tuple(steps)
