"""The queue: cases that need somebody, the filters in the address, so that a view is a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from cjp_fraud.contracts.restriction import CHANNELS
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import case_queue
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import CLOSED_STATES, CaseReason, CaseState, QueueFilter, QueueOrder
from cjp_fraud.web.access import CaseReader, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of
from cjp_fraud.web.queue_rows import QueueRows

PAGE_LENGTH = 50

NOBODY = "nobody"
"""In the address: cases that nobody holds; no user has this name, since names are given by admins."""

FILTERS: Final = (
    "state",
    "tenant",
    "held",
    "channel",
    "country",
    "plan",
    "reason",
    "text",
    "order",
    "mentions",
)
"""Names of the filters, as they stand in the address."""

pages = APIRouter(include_in_schema=False)


@pages.get("/queue")
def queue(visit: CaseReader, after: str = "", none_left: str = "") -> Response:
    """Show a page of the queue; the filters are in the address."""
    asked = read_asked(lambda name: visit.request.query_params.get(name, ""))
    return queue_shown(visit, asked, after=after, none_left=bool(none_left))


def queue_shown(
    visit: Visit,
    asked: Mapping[str, str],
    *,
    after: str = "",
    none_left: bool = False,
    in_the_way: CjpFraudError | None = None,
) -> Response:
    """Return a page of the queue.

    Parameters
    ----------
    none_left : whether to say that no case is left to claim.
    in_the_way : why a form on it did not act.
    """
    chosen = filter_of(visit, asked)
    return page(
        visit,
        "queue.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        desk=case_queue.look_at_queue(
            visit.deployment, visit.by, visit.now, chosen, limit=PAGE_LENGTH, after=after or None
        ),
        asked=asked,
        rows=QueueRows(visit.request.app.state.row_cache, asked, visit.words, visit.now),
        address=address,
        states=CaseState,
        channels=CHANNELS,
        nobody=NOBODY,
        first_page=not after,
        none_left=none_left,
        claims_cases=visit.person.may(Role.ANALYST, Role.REVIEWER),
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def read_asked(value_of: Callable[[str], str]) -> dict[str, str]:
    """Return the filters that an address or a form names; what they may not be is no filter."""
    asked = {name: value_of(name)[:200] for name in FILTERS}
    known = {
        "state": (*CaseState, "closed"),
        "channel": CHANNELS,
        "reason": tuple(CaseReason),
        "order": (QueueOrder.SCORE, QueueOrder.AGE),
        "mentions": ("me",),
    }
    return {
        name: "" if name in known and value not in known[name] else value for name, value in asked.items()
    }


def filter_of(visit: Visit, asked: Mapping[str, str]) -> QueueFilter:
    """Return the filter that is asked for; ``me`` is the reader."""
    states = None
    if asked["state"] == "closed":
        states = CLOSED_STATES
    elif asked["state"]:
        states = frozenset({CaseState(asked["state"])})
    held = {"": None, NOBODY: "", "me": visit.by}.get(asked["held"], asked["held"])
    return QueueFilter(
        states=states,
        tenant_id=asked["tenant"] or None,
        order=QueueOrder(asked["order"] or QueueOrder.WORST),
        held_by=held,
        text=asked["text"] or None,
        channel=asked["channel"] or None,
        country=asked["country"] or None,
        plan=asked["plan"] or None,
        reason=CaseReason(asked["reason"]) if asked["reason"] else None,
        mentions=visit.by if asked["mentions"] else None,
    )


def address(asked: Mapping[str, str], **changed: str) -> str:
    """Return the address of a view: what is asked now, with some parts changed; empty ones are left out."""
    parts = {name: value for name, value in {**asked, **changed}.items() if value}
    return f"/queue?{urlencode(parts)}" if parts else "/queue"
