"""What a method of serving notices does; each method is a file beside this one.

An attempt goes in three steps: ``begin`` puts it on record, ``deliver`` acts on the world outside, ``finish``
records what came of it. The first and the last run each in a transaction of the caller's; between them a
process may die, and the next run makes a new attempt with the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cjp_fraud.clock import Clock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.model import Outcome

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cjp_fraud.notices.letter_chart import LetterFigures
    from cjp_fraud.notices.tables import NoticeAttempt


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter in its final words, and where it goes.

    Parameters
    ----------
    notice_id : the notice; stable, so that a second copy can be known as one.
    address : address of the method, as the contract data have it.
    body : a line a paragraph; where lines are broken is the method's business.
    dated : aware; the letter's date.
    keep_lines : leave the body's lines as they stand: they hold keys and commands that are copied.
    figures : of what its chart is made, for methods that can show one; None: it has none.
    """

    notice_id: str
    address: str
    language: str
    subject: str
    body: str
    dated: datetime
    keep_lines: bool = False
    figures: LetterFigures | None = None


@dataclass(frozen=True, slots=True)
class Composition:
    """What is served, every time the same.

    Parameters
    ----------
    reference : name under which the method knows the letter (email: the Message-ID).
    content : the exact bytes.
    """

    reference: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an attempt ended.

    Parameters
    ----------
    outcome : ``sent``: handed over; ``failed``: refused for good; ``deferred``: nothing was handed over, try
        again; ``unknown``: it may have been handed over.
    status : the delivery status that this proves; of a failure, the last one that was reached.
    source : who says so, in a few words.
    evidence : all that was said, as text.
    finished_at : aware.
    """

    outcome: Outcome
    status: DeliveryStatus
    source: str
    evidence: str
    finished_at: datetime


Prepared = TypeVar("Prepared")
Delivered = TypeVar("Delivered", bound=Delivery)


class NoticeMethod(Protocol[Prepared, Delivered]):
    """One method of serving; ``Prepared`` is what it hands from ``begin`` to ``deliver``."""

    def compose(self, letter: WrittenLetter) -> Composition:
        """Return the bytes that are served; the same letter gives the same bytes."""
        ...

    def begin(self, session: Session, attempt: NoticeAttempt, address: str) -> Prepared:
        """Put on record what the method needs beside the attempt's row, before anything leaves."""
        ...

    def deliver(self, prepared: Prepared, content: Callable[[], bytes], clock: Clock) -> Delivered:
        """Hand the letter over, and return what came of it, by ``clock``.

        ``content`` returns the bytes; it is called at most once, when nothing but the bytes is left to be handed over,
        for they are dated then.
        """
        ...

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: Delivered) -> None:
        """Record what the method learnt beside what every attempt has."""
        ...


@dataclass(frozen=True, slots=True)
class NoticeMethods:
    """The methods by which a deployment serves notices.

    Parameters
    ----------
    mode : in ``observe`` nothing leaves, whatever a plan says.
    by_name : name of a method, as contracts have it → the method.
    give_up_after : a letter that could not be handed over so long after it fell due has failed.
    """

    mode: PlatformMode
    by_name: Mapping[str, NoticeMethod[Any, Any]]
    give_up_after: timedelta = timedelta(hours=72)

    def named(self, name: str) -> NoticeMethod[Any, Any]:
        """Return a method; raises NotFoundError where this deployment does not serve by it."""
        if name not in self.by_name:
            raise NotFoundError(
                f"a notice is to be served by {name!r}, and this deployment serves by "
                f"{' and '.join(sorted(self.by_name)) or 'nothing'}: set it up, or have counsel change the terms"
            )
        return self.by_name[name]
