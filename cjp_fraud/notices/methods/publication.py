"""Publish a notice: its page exists from a moment on, and whoever has its link and a code can read it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from cjp_fraud.clock import Clock, aware, utc_text
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.methods.interface import Composition, Delivery, WrittenLetter
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.page_links import PATH, PageLinks

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cjp_fraud.notices.tables import NoticeAttempt

_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class PublicationMethod:
    """The method ``publication``: the letter stands on the customer's notice page.

    Publishing acts on nothing outside: what is on record is on the page, from the end of the attempt on.
    """

    links: PageLinks

    def compose(self, letter: WrittenLetter) -> Composition:
        """Return what the page shows: subject, date, language and text, as a message that is sent to nobody."""
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(aware(letter.dated))
        message.set_content(wrapped(letter.body), charset="utf-8", cte="quoted-printable")
        message["Content-Language"] = letter.language
        return Composition(f"page/{letter.notice_id}", message.as_bytes())

    def begin(self, session: Session, attempt: NoticeAttempt, address: str) -> str:
        """Return the notice's id; every attempt's columns are enough."""
        return attempt.notice_id

    def deliver(self, prepared: str, content: Callable[[], bytes], clock: Clock) -> Delivery:
        """Let the page exist from now on."""
        published = content()
        at = clock.now()
        return Delivery(
            outcome=Outcome.SENT,
            status=DeliveryStatus.SENT,
            source="notice page",
            evidence=(
                f"{utc_text(at)} published: {len(published)} bytes, SHA-256 {sha256_hex(published)}, are shown for "
                f"notice {prepared} under {self.links.public_url}{PATH} to contacts of the contract, by one-time code"
            ),
            finished_at=at,
        )

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: Delivery) -> None:
        """Every attempt's columns are enough."""
