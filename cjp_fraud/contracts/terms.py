"""How a contract wants notices of one kind served: steps in sequence, methods in each, what counts, how long to wait.

Stored as JSON (:mod:`cjp_fraud.documents`), entered by counsel. What is not understood is refused, never
guessed: an unknown key, method, basis or unit makes the terms unreadable, and unreadable terms shut the gate.
The terms of a whole contract are :class:`cjp_fraud.contracts.contract_terms.ContractTerms`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from cjp_fraud.contracts.enforcement_window import EnforcementWindows
from cjp_fraud.contracts.methods import EMAIL, METHODS, PHYSICAL, require_method
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import NO_WAIT, Wait
from cjp_fraud.contracts.receipt_rule import AT_ONCE, Basis, FollowUp, ReceiptRule, proof_needed
from cjp_fraud.contracts.stated import NOT_STATED, Stated, Unstated
from cjp_fraud.errors import BadInputError

PLAIN_ROLE = "notice"
"""Role of the one address that the tenants file gives."""

OUT_OF_BAND = "out_of_band"
"""Role of a contact apart from the customer's account: served too where the account may have been taken over."""


class Combine(StrEnum):
    """Whether all methods of a step are needed, or one after the other until one succeeds."""

    ALL_OF = "all_of"
    ANY_OF = "any_of"


class Force(StrEnum):
    """Whether a notice *shall* go by a method, or *may*."""

    EXCLUSIVE = "exclusive"
    PERMISSIVE = "permissive"


class Form(StrEnum):
    """Forms that a clause may ask for."""

    WRITING = "writing"
    DURABLE_MEDIUM = "durable_medium"
    SIGNED = "signed"
    ANOTHER = "another"


SERVED_FORMS = frozenset({Form.WRITING, Form.DURABLE_MEDIUM})
"""Forms that every letter of ours has; another one shuts the gate."""


@dataclass(frozen=True, slots=True)
class MethodRule:
    """One method of a step: what makes it count as received, and at which addresses (all of them).

    Parameters
    ----------
    basis : event from which it counts; not stated: it counts when it is received.
    fallback_roles : roles of which the first that has an address is served in the place of a role that has none.
    copy_roles : who gets a copy, which is no notice and decides nothing.
    force : shall or may; where a step has a method that is *shall*, those that are *may* do not complete it.
    receipt : what stands between basis and receipt.
    form : what the notice must look like; not stated: any form.
    """

    method: str
    basis: Stated[Basis]
    address_roles: tuple[str, ...]
    fallback_roles: tuple[str, ...] = ()
    copy_roles: tuple[str, ...] = ()
    force: Stated[Force] = NOT_STATED
    receipt: Stated[ReceiptRule] = AT_ONCE
    form: Stated[tuple[Form, ...]] = NOT_STATED

    def __post_init__(self) -> None:
        require_method(self.method)
        if not self.address_roles or not all((*self.address_roles, *self.fallback_roles, *self.copy_roles)):
            raise BadInputError("a method names no address role; name at least one, for example 'notice'")

    @property
    def proof(self) -> DeliveryStatus:
        """What must be proven of the notice for the basis."""
        return proof_needed(self.basis, self.method)

    @property
    def follow_up(self) -> FollowUp | None:
        """What must follow it; None: nothing that is known."""
        if isinstance(self.receipt, Unstated) or isinstance(self.receipt.follow_up, Unstated):
            return None
        return self.receipt.follow_up

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles that it may serve, each once, in order."""
        follow_up = self.follow_up
        later = follow_up.address_roles if follow_up is not None else ()
        return tuple(dict.fromkeys((*self.address_roles, *self.fallback_roles, *self.copy_roles, *later)))


@dataclass(frozen=True, slots=True)
class NoticeStep:
    """One step of the sequence."""

    number: int
    combine: Combine
    methods: tuple[MethodRule, ...]
    wait: Stated[Wait] = NO_WAIT

    def __post_init__(self) -> None:
        if not self.methods:
            raise BadInputError(f"step {self.number} names no method")

    @property
    def any_of(self) -> bool:
        """Whether one method is enough."""
        return self.combine is Combine.ANY_OF

    @property
    def sufficient(self) -> tuple[int, ...]:
        """Places of the methods that complete the step: those that are *shall*, or all where none is."""
        places = range(len(self.methods))
        shall = tuple(place for place in places if self.methods[place].force is Force.EXCLUSIVE)
        return shall or tuple(places)

    @property
    def deciding(self) -> tuple[MethodRule, ...]:
        """The methods that complete the step: one of them, or all."""
        return tuple(self.methods[place] for place in self.sufficient) if self.any_of else self.methods

    def waits_for(self, methods: Collection[str]) -> bool:
        """Whether it is not complete before a notice by one of ``methods`` has come further than to leave."""
        waits = (rule.method in methods and rule.proof is not DeliveryStatus.SENT for rule in self.deciding)
        return all(waits) if self.any_of else any(waits)


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """The notice provisions of a contract, for one kind of notice.

    Parameters
    ----------
    steps : in the order of serving, numbered 1, 2, 3 ...
    clause : where they stand in the governing document; None where nobody said.
    language : tag of the language that the clause asks for; not stated: the contract's.
    minimum, cure : how long after the first step the measure may follow: as notice, and for the customer to mend it.
    windows : when the measure may begin.
    """

    steps: tuple[NoticeStep, ...]
    clause: str | None = None
    language: Stated[str] = NOT_STATED
    minimum: Stated[Wait] = NOT_STATED
    cure: Stated[Wait] = NOT_STATED
    windows: Stated[EnforcementWindows] = NOT_STATED

    def __post_init__(self) -> None:
        if [step.number for step in self.steps] != list(range(1, len(self.steps) + 1)) or not self.steps:
            raise BadInputError("steps must be numbered 1, 2, 3 ... and there must be one at least")

    @property
    def awaited(self) -> tuple[str, ...]:
        """The steps that count only once somebody else has said that they arrived, with methods and bases, in words."""
        return tuple(
            f"step {step.number} ({', '.join(f'{rule.method}: {rule.basis}' for rule in step.deciding)})"
            for step in self.steps
            if step.waits_for(set(METHODS))
        )

    @property
    def steps_by_post(self) -> tuple[int, ...]:
        """Numbers of the steps that count only once a carrier has said that it has, or has delivered, a paper."""
        return tuple(step.number for step in self.steps if step.waits_for(PHYSICAL))

    @property
    def rules(self) -> Iterator[MethodRule]:
        """The methods of all steps, in order."""
        return (rule for step in self.steps for rule in step.methods)

    @property
    def method_names(self) -> frozenset[str]:
        """All methods that it names, also for what must follow a notice."""
        follow_ups = (rule.follow_up.method for rule in self.rules if rule.follow_up is not None)
        return frozenset((*(rule.method for rule in self.rules), *follow_ups))

    @property
    def address_roles(self) -> tuple[str, ...]:
        """All roles whose addresses some method may serve, each once, in order."""
        return tuple(dict.fromkeys(role for rule in self.rules for role in rule.roles))


def plain_terms() -> NoticeTerms:
    """Return the terms that a complete row of the tenants file means: notice by email, counted once it is sent."""
    rule = MethodRule(EMAIL, Basis.SENT, (PLAIN_ROLE,))
    return NoticeTerms((NoticeStep(1, Combine.ANY_OF, (rule,)),))
