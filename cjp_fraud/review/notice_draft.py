"""Draft the letter that a proposal contains, from the flags and the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.recipients import recipients
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.notices.letters import Letter, Seen
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plans import draft_plan
from cjp_fraud.review.tables import Flag


@dataclass(frozen=True, slots=True)
class DraftedNotice:
    """A notice plan's document, or why there can be none."""

    document: dict[str, Any] | None
    faults: tuple[str, ...]


def draft_notice(
    session: Session,
    position: Contract,
    letter: Letter,
    at: datetime,
) -> DraftedNotice:
    """Draft the notice plan of a suspension; a tenant that cannot be served yet gets the reasons instead."""
    terms = position.notice_terms
    served = recipients(session, position.tenant_id, terms.address_roles, at) if terms else ()
    try:
        return DraftedNotice(to_document(draft_plan(position, served, letter)), ())
    except Refused as refused:
        return DraftedNotice(None, refused.missing)
    except BadInputError as error:
        return DraftedNotice(None, (str(error),))


def suspension_letter(
    case_number: int,
    flags: Sequence[Flag],
    kind: MeasureKind,
    scope: Scope,
    lasts: timedelta,
    *,
    provider_name: str,
    reply_to: str,
) -> Letter:
    """Return the facts of the letter that announces a measure."""
    return Letter(
        kind=NoticeKind.SUSPENSION,
        case_reference=str(case_number),
        provider_name=provider_name,
        reply_to=reply_to,
        seen=tuple(
            Seen(
                channel=flag.channel,
                direction=flag.direction,
                application_id=flag.application_id,
                interval_start=flag.interval_start,
                interval_seconds=flag.interval_seconds,
                observed=flag.observed,
                usual=flag.baseline,
                p_value=flag.p_value,
            )
            for flag in sorted(flags, key=lambda flag: (flag.interval_start, flag.id))
        ),
        measure=kind,
        scope=scope,
        lasts=lasts,
    )
