"""Roles and actors: who acts, and what they may do."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Role(StrEnum):
    """The six roles of people."""

    ANALYST = "analyst"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    COUNSEL = "counsel"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Reach:
    """To which cases a role is narrowed; an empty set does not narrow it.

    Parameters
    ----------
    channels : voice, chat, email, sms, social.
    countries : of the tenants, ISO 3166-1, two letters.
    """

    channels: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether it narrows nothing."""
        return not self.channels and not self.countries

    def covers(self, channel: str | None, country: str | None) -> bool:
        """Whether a case of this channel and country lies in it; what is not known lies in no narrowed one."""
        return (not self.channels or channel in self.channels) and (
            not self.countries or country in self.countries
        )

    def __str__(self) -> str:
        return "; ".join(", ".join(sorted(names)) for names in (self.channels, self.countries) if names)


EVERYTHING: Final = Reach()


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a machine acting under a name of its own (``system:detect``).

    Parameters
    ----------
    name : user name, or ``system:...``.
    user_id : the user's id; None for machines.
    roles : what a person may do; machines have none.
    narrowed : roles that are narrowed, each to what.
    """

    name: str
    user_id: str | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)
    narrowed: tuple[tuple[Role, Reach], ...] = ()

    def reach(self, role: Role) -> Reach:
        """Return to what a role is narrowed."""
        return next((reach for narrowed, reach in self.narrowed if narrowed is role), EVERYTHING)

    @property
    def is_person(self) -> bool:
        """Whether a person acts."""
        return self.user_id is not None

    @property
    def reference(self) -> str:
        """How the audit log names the actor: a person by id, a machine by name."""
        return self.user_id or self.name

    @property
    def feed(self) -> str | None:
        """Name of the feed that acts (``system:feed:NAME``); None: no feed does."""
        return self.name.removeprefix(FEED) if self.user_id is None and self.name.startswith(FEED) else None

    @property
    def only_reads(self) -> bool:
        """Whether the actor is a person with no other role than auditor's, who reads all and changes nothing."""
        return self.is_person and self.roles == {Role.AUDITOR}

    def may(self, *roles: Role) -> bool:
        """Whether the actor is a person with at least one of ``roles``."""
        return self.is_person and any(role in self.roles for role in roles)

    def __str__(self) -> str:
        return self.name


def admins_only(by: Actor) -> tuple[bool, str]:
    """Return whether an admin acts, and the sentence by which anybody else is refused."""
    return by.may(Role.ADMIN), f"{by} is not an admin"


@dataclass(frozen=True, slots=True)
class Decision:
    """Who acts, when, and in which transaction: what every act that goes on record needs.

    Parameters
    ----------
    session : an open writing transaction.
    by : the person or machine that acts.
    at : the moment of the act; aware, kept in UTC.

    Raises
    ------
    NaiveTimeError
        If ``at`` has no zone.
    """

    session: Session
    by: Actor
    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", aware(self.at))
        # In a simulated home this is the moment at which what is written now is recorded.
        self.session.info["acting_at"] = self.at


def machine(task: str) -> Actor:
    """Return the machine that does ``task``, for example ``system:detect``."""
    return Actor(name=f"system:{task}")


class Part(StrEnum):
    """What a person did about a case or a tenant; reading is none of them."""

    CLAIMED = "claimed"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    PUT_ASIDE = "put_aside"
    COMMENTED = "commented"
    EDITED = "edited"
    DETERMINED = "determined"
    RETURNED = "returned"
    REFUSED = "refused"
    APPROVED = "approved"
    STATED_NEED = "stated_need"
    WITHDREW = "withdrew"
    ORDERED_STOP = "ordered_stop"
    CLEARED_STOP = "cleared_stop"
    LET_NOTICE_STAND = "let_notice_stand"
    LOOKED = "looked"
    REAFFIRMED = "reaffirmed"
    REINSTATED = "reinstated"
    OPENED_DISPUTE = "opened_dispute"
    NARROWED = "narrowed"
    HELD_STAGES = "held_stages"
    RESUMED_STAGES = "resumed_stages"
    ORDERED_LETTER = "ordered_letter"
    ORDERED_EMERGENCY = "ordered_emergency"
    FOUND_CORRECTED = "found_corrected"
    FOUND_WRONG = "found_wrong"
    EDITED_CONTRACT = "edited_contract"

    @property
    def in_words(self) -> str:
        """How a sentence says it of somebody: ``stated need``."""
        return self.replace("_", " ")


TAKING_PART: Final = frozenset(
    {Part.CLAIMED, Part.COMMENTED, Part.EDITED, Part.DETERMINED, Part.ORDERED_EMERGENCY}
)
"""What bars a person from approving; who decides a dispute must have done nothing at all about the case."""

FEED: Final = "system:feed:"
"""How the name of a feed begins, which edits contract data and is no person."""

INIT: Final = "system:init"
"""Who grants the roles of a deployment's first day, which count from the first moment on."""

NEW_FOR: Final = timedelta(hours=24)
"""How long a new user, and a new role, may not approve."""


class IdentityKind(StrEnum):
    """By what a person is known outside of this product."""

    ACCOUNT = "account"
    MAIL = "mail"
    MACHINE = "machine"
    INIT = "init"


@dataclass(frozen=True, slots=True)
class GivenIdentity:
    """An identity in the one form in which two that are the same person's are equal.

    Use :meth:`parse`.
    """

    kind: IdentityKind
    value: str

    @classmethod
    def parse(cls, text: str) -> GivenIdentity:
        """Return the identity that ``KIND:VALUE`` names: ``mail:ada@provider.example``, ``account:ada``.

        Capitals, compatibility forms and the case of a domain make no difference (NFKC, case folded), nor does what
        stands behind a ``+`` in a mail address (sub-addressing, RFC 5233); dots do. Accounts are ASCII without
        spaces, so that no letter looks like another.

        Raises
        ------
        BadInputError
            Says what is wrong with it.
        """
        kind, _, value = text.partition(":")
        value = unicodedata.normalize("NFKC", value.strip()).casefold()
        if kind not in (IdentityKind.ACCOUNT, IdentityKind.MAIL, IdentityKind.MACHINE):
            raise BadInputError(
                f"{text!r} is no identity; write mail:ADDRESS, account:NAME or machine:ACCOUNT"
            )
        if kind == IdentityKind.MAIL:
            local, at, domain = value.partition("@")
            value = f"{local.partition('+')[0]}{at}{domain}"
            if not _MAILBOX.fullmatch(value):
                raise BadInputError(f"{text!r} is no mail address in ASCII; write mail:ada@provider.example")
            return cls(IdentityKind.MAIL, value)
        if not _ACCOUNT.fullmatch(value) or not _account_name(value):
            raise BadInputError(
                f"{text!r} is no account; use ASCII letters, digits and . _ - @ \\ / (2 to 200 of them)"
            )
        return cls(IdentityKind(kind), value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def bare_name(self) -> str:
        """What is left of it without its domain: ``rosa`` of ``CORP\\rosa``, ``corp/rosa`` and ``rosa@corp``."""
        return _account_name(self.value)

    def may_be(self, other: GivenIdentity) -> bool:
        """Whether both may be the same person's: two mail addresses if they are equal, others if their names are.

        Which domain an account without one belongs to, and whether two spellings of a domain are one, is not known
        here. The placeholder of a user of ``init`` is the user's name.
        """
        if self.kind is other.kind is IdentityKind.MAIL:
            return self.value == other.value
        return self.bare_name == other.bare_name


def _account_name(account: str) -> str:
    """Return an account's name without its domain and without what stands behind a ``+``."""
    return re.split(r"[\\/]", account.partition("@")[0])[-1].partition("+")[0]


@dataclass(frozen=True, slots=True)
class TurnWanted:
    """A turn that an admin puts on the roster.

    Parameters
    ----------
    user : name of an approver or counsel.
    place : 1 is paged first.
    days, begins, ends, time_zone : ``("mon", "tue")``, ``08:00``, ``20:00``, an IANA name; ends that are not after the
        beginning are on the next day.
    webhook, mail : where a page is sent, one of them at least; None: not there.
    """

    user: str
    place: int
    days: tuple[str, ...]
    begins: str
    ends: str
    time_zone: str
    webhook: str | None = None
    mail: str | None = None


def require_user_name(name: str) -> None:
    """Refuse what is no user's name: 2 to 64 of ``a`` to ``z``, digits, dot, underline, hyphen; a letter among them.

    Raises
    ------
    BadInputError
        Says what a name is made of.
    """
    if not _USER_NAME.fullmatch(name) or name.startswith("system"):
        raise BadInputError(
            f"{name!r} cannot be a user's name: it is 2 to 64 small letters a-z, digits, '.', '_' or '-', a letter "
            "among them, and does not begin with 'system'; the name that is shown is free (--display-name)"
        )


_USER_NAME: Final = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9._-]{2,64}")
_MAILBOX: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_ACCOUNT: Final = re.compile(r"[a-z0-9._@\\/-]{2,200}")
