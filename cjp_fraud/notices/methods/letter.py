"""Serve a notice by mail: a PDF for whoever prints and posts it, through a folder or an interface of theirs.

To have handed a letter over to a printer is no mailing: that is on record once the carrier's event says so
(:mod:`cjp_fraud.notices.carrier_events`), and until then the notice is only *attempted*.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cjp_fraud.clock import Clock, utc_text
from cjp_fraud.contracts.methods import LETTER, POSTAL_CLASSES
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.letter_pdf import PaperLetter, pdf
from cjp_fraud.notices.methods.interface import Composition, Delivery, WrittenLetter
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.postal_address import country_named, postal_address, window_lines
from cjp_fraud.notices.tables import NoticeAttempt

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class PrintJob:
    """A letter as whoever prints it gets it.

    Parameters
    ----------
    notice_id : the notice.
    key : of these very bytes; the same key twice is one letter (idempotency).
    lines, country : of the address; ``country``: ISO 3166-1, None where the address names none.
    postal_class : how it is to be posted.
    """

    notice_id: str
    key: str
    lines: tuple[str, ...]
    country: str | None
    postal_class: str
    sha256: str
    pages: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of handing a job over: the outcome, and what was said, a line each."""

    outcome: Outcome
    said: tuple[str, ...]


class Printer(Protocol):
    """Whoever prints and posts."""

    @property
    def name(self) -> str:
        """Who it is, in a few words."""
        ...

    def print(self, job: PrintJob, clock: Clock) -> HandedOver:
        """Hand a job over; the same job again is one letter."""
        ...


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, as paper shows it.

    Parameters
    ----------
    postal_address : a line with commas, the country last; None: not set.
    fonts : a folder of fonts beside the system's; None: none.
    """

    sender: str
    postal_address: str | None = None
    fonts: Path | None = None

    @property
    def country(self) -> str | None:
        """Where letters are posted (ISO 3166-1); None: not known."""
        return country_named(self.postal_address.rpartition(",")[2]) if self.postal_address else None


@dataclass(frozen=True, slots=True)
class LetterMethod:
    """The methods that bring a paper to a postal address."""

    head: Letterhead
    printer: Printer
    postal_class: str = POSTAL_CLASSES[LETTER]

    def compose(self, letter: WrittenLetter) -> Composition:
        """Return the PDF; its reference is the notice's.

        Raises
        ------
        CjpFraudError
            If a sign of the letter is in no font, or the window does not show the whole address.
        """
        address = postal_address(letter.address)
        content = pdf(
            PaperLetter(
                language=letter.language,
                subject=letter.subject,
                body=letter.body,
                sender=self.head.sender,
                return_address=self.head.postal_address,
                recipient=window_lines(address, self.head.country),
                country=address.country,
                dated=letter.dated.date(),
                chart=letter.figures.chart() if letter.figures is not None else None,
            ),
            self.head.fonts,
        )
        return Composition(f"letter/{letter.notice_id}", content)

    def begin(self, session: Session, attempt: NoticeAttempt, address: str) -> tuple[str, str]:
        """Return the notice and its address: every attempt's columns are enough."""
        return attempt.notice_id, address

    def deliver(self, prepared: tuple[str, str], content: Callable[[], bytes], clock: Clock) -> Delivery:
        """Hand the PDF over; what was handed over before is not printed again."""
        (notice_id, text), made = prepared, content()
        address, digest = postal_address(text), sha256_hex(made)
        job = PrintJob(
            notice_id=notice_id,
            key=letter_key(notice_id, digest),
            lines=window_lines(address, self.head.country),
            country=address.country,
            postal_class=self.postal_class,
            sha256=digest,
            pages=page_count(made),
            content=made,
        )
        handed = self.printer.print(job, clock)
        at = clock.now()
        lines = (f"{utc_text(at)} {line}" for line in (_about(job), *handed.said))
        return Delivery(handed.outcome, DeliveryStatus.ATTEMPTED, self.printer.name, "\n".join(lines), at)

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: Delivery) -> None:
        """Every attempt's columns are enough."""


def letter_key(notice_id: str, sha256: str) -> str:
    """Return the key of a notice's letter with these bytes, under which a printer knows it."""
    return f"{notice_id}-{sha256[:16]}"


def page_count(content: bytes) -> int:
    """Return how many pages a PDF has, read from the bytes that are handed over."""
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(content)).pages)


def _about(job: PrintJob) -> str:
    return (
        f"letter {job.key}: {len(job.content)} bytes, {job.pages} page(s), SHA-256 {job.sha256}, "
        f"class {job.postal_class}"
    )
