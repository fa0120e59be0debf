"""What can be done about a case as it stands, what of it comes next, and what somebody lacks to do it (a pure rule).

It decides nothing: whoever acts is checked by the act itself, which names everything that stands in the way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cjp_fraud.people.model import TAKING_PART, Part, Role
from cjp_fraud.review.claim_rules import held_by_another
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState


class Act(StrEnum):
    """Acts on a case that have a form on its page."""

    CLAIM = "claim"
    RELEASE = "release"
    HAND_OVER = "hand_over"
    PUT_ASIDE = "put_aside"
    ASK_CUSTOMER = "ask_customer"
    RECORD_ANSWER = "record_answer"
    DETERMINE = "determine"
    CANNOT_TELL = "cannot_tell"
    DISMISS = "dismiss"
    EMERGENCY = "emergency"
    APPROVE = "approve"
    CONFIRM = "confirm"
    RETURN = "return"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"
    REINSTATE_IN_STAGES = "reinstate_in_stages"
    HOLD_STAGES = "hold_stages"
    RESUME_STAGES = "resume_stages"
    REOPEN = "reopen"
    COMMENT = "comment"
    OPEN_DISPUTE = "open_dispute"
    DECIDE_DISPUTE = "decide_dispute"


@dataclass(frozen=True, slots=True)
class OfferedAct:
    """An act that the case's state allows, and what the person lacks to do it; nothing: it is theirs to do."""

    act: Act
    missing: tuple[str, ...] = ()


class StagesStand(StrEnum):
    """How a reinstatement in stages stands."""

    GOES_ON = "goes_on"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands for a person who looks at it.

    Parameters
    ----------
    holder : name of who works it; None: nobody.
    held_until : when the holder's lease ends, aware, UTC; None: nobody holds it.
    me, roles : who looks, and what they may do.
    my_parts : all that they did about this case.
    approval_faults : all that keeps this person from approving its proposal, as the approval itself would say.
    asked : whether the customer was asked whether it was them, and has not answered.
    nobody_to_ask : why the customer cannot be asked.
    open_dispute : whether a dispute waits for its decision.
    emergency : whether counsel has marked the ground, and one reviewer may order the measure at once.
    emergency_faults : why not this reviewer.
    unapproved : whether its measure, ordered in an emergency, ends by itself unless it is approved.
    stages : how a reinstatement in stages stands; None: the measure in force is not being lifted in stages.
    found_fraudulent : whether fraud was ever determined on it, or a cap begun, so that there is something to dispute.
    """

    state: CaseState
    holder: str | None
    me: str
    roles: frozenset[Role]
    my_parts: frozenset[Part] = frozenset()
    approval_faults: tuple[str, ...] = ()
    asked: bool = False
    nobody_to_ask: tuple[str, ...] = ()
    open_dispute: bool = False
    emergency: bool = False
    unapproved: bool = False
    found_fraudulent: bool = False
    stages: StagesStand | None = None
    held_until: datetime | None = None
    emergency_faults: tuple[str, ...] = ()


_BY_STATE: Final[Mapping[CaseState, tuple[Act, ...]]] = {
    CaseState.OPEN: (Act.CLAIM,),
    CaseState.CAPPED: (Act.CLAIM,),
    CaseState.IN_REVIEW: (
        Act.DETERMINE,
        Act.CANNOT_TELL,
        Act.DISMISS,
        Act.ASK_CUSTOMER,
        Act.PUT_ASIDE,
        Act.HAND_OVER,
        Act.RELEASE,
    ),
    CaseState.DETERMINED: (Act.APPROVE, Act.RETURN, Act.REFUSE),
    CaseState.SUSPENDED: (Act.REINSTATE,),
    CaseState.DISMISSED: (Act.REOPEN,),
    CaseState.EXPIRED: (Act.REOPEN,),
    CaseState.WITHDRAWN: (Act.REOPEN,),
    **dict.fromkeys(BEFORE_THE_MEASURE, (Act.WITHDRAW,)),
}

_OF_STAGES: Final[Mapping[StagesStand | None, tuple[Act, ...]]] = {
    None: (Act.REINSTATE_IN_STAGES,),
    StagesStand.GOES_ON: (Act.HOLD_STAGES,),
    StagesStand.HELD: (Act.RESUME_STAGES,),
}
"""What can be done in stages; a plan that is held comes before all else."""

_ROLES: Final[Mapping[Act, tuple[Role, ...]]] = {
    Act.CLAIM: (Role.ANALYST, Role.REVIEWER),
    Act.RELEASE: (Role.ANALYST, Role.REVIEWER),
    Act.HAND_OVER: (Role.ANALYST, Role.REVIEWER),
    Act.PUT_ASIDE: (Role.ANALYST, Role.REVIEWER),
    Act.ASK_CUSTOMER: (Role.ANALYST, Role.REVIEWER),
    Act.RECORD_ANSWER: (Role.ANALYST, Role.REVIEWER),
    Act.DETERMINE: (Role.REVIEWER,),
    Act.CANNOT_TELL: (Role.REVIEWER,),
    Act.DISMISS: (Role.REVIEWER,),
    Act.EMERGENCY: (Role.REVIEWER,),
    Act.RETURN: (Role.APPROVER, Role.COUNSEL, Role.REVIEWER),
    Act.REFUSE: (Role.APPROVER, Role.COUNSEL),
    Act.WITHDRAW: (Role.REVIEWER, Role.APPROVER),
    Act.REINSTATE: (Role.APPROVER,),
    Act.REINSTATE_IN_STAGES: (Role.APPROVER,),
    Act.HOLD_STAGES: (Role.APPROVER,),
    Act.RESUME_STAGES: (Role.APPROVER,),
    Act.REOPEN: (Role.REVIEWER,),
    Act.COMMENT: (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
    Act.OPEN_DISPUTE: (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
    Act.DECIDE_DISPUTE: (Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
}
"""Who may, of those whose part in the case does not bar them."""


def acts_for(standing: Standing) -> tuple[OfferedAct, ...]:
    """Return the acts that the case's state allows, the one that comes next first."""
    acts = list(_BY_STATE.get(standing.state, ()))
    if standing.state is CaseState.IN_REVIEW and standing.holder is None:
        acts = [Act.CLAIM, *acts]
    if standing.asked and standing.state in (CaseState.OPEN, CaseState.IN_REVIEW):
        acts = [Act.RECORD_ANSWER, *(act for act in acts if act is not Act.ASK_CUSTOMER)]
    if standing.state is CaseState.DETERMINED and standing.emergency:
        acts.append(Act.EMERGENCY)
    if standing.state is CaseState.SUSPENDED:
        acts = [*_OF_STAGES[standing.stages], *acts] if standing.stages else [*acts, *_OF_STAGES[None]]
    if standing.state is CaseState.SUSPENDED and standing.unapproved:
        acts = [Act.CONFIRM, *acts]
    if standing.open_dispute:
        acts = [Act.DECIDE_DISPUTE, *acts]
    acts.append(Act.COMMENT)
    if standing.found_fraudulent:
        acts.append(Act.OPEN_DISPUTE)
    return tuple(OfferedAct(act, _missing(act, standing)) for act in acts)


def _missing(act: Act, standing: Standing) -> tuple[str, ...]:
    if act in (Act.APPROVE, Act.CONFIRM):
        return standing.approval_faults
    needed = _ROLES[act]
    missing: list[str] = []
    if standing.roles.isdisjoint(needed):
        missing.append(f"it needs the role {_either(needed)}, which {standing.me} does not have")
    if act in (Act.DETERMINE, Act.CANNOT_TELL, Act.DISMISS):
        missing += held_by_another(standing.holder, standing.held_until, standing.me)
    if act is Act.EMERGENCY:
        missing += standing.emergency_faults
    if act is Act.ASK_CUSTOMER:
        missing += standing.nobody_to_ask
    if act is Act.DECIDE_DISPUTE and (took := _in_words(standing.my_parts)):
        missing.append(
            f"{standing.me} took part in this case ({took}); somebody who took no part must decide"
        )
    if act is Act.REFUSE and (took := _in_words(standing.my_parts & TAKING_PART)):
        missing.append(f"{standing.me} took part in this case ({took}); somebody who took no part refuses")
    if (
        act in (Act.RELEASE, Act.HAND_OVER, Act.PUT_ASIDE, Act.ASK_CUSTOMER)
        and standing.holder not in (None, standing.me)
        and Role.REVIEWER not in standing.roles
    ):
        missing.append(f"{standing.holder} holds it; only its holder or a reviewer may")
    return tuple(missing)


def _either(roles: Collection[Role]) -> str:
    return " or ".join(roles)


def _in_words(parts: Collection[Part]) -> str:
    return ", ".join(part.in_words for part in Part if part in parts)
