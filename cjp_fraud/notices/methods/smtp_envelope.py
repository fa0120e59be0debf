"""The envelope of a letter by email: who sends to whom, and which reports are asked for (RFC 3461)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cjp_fraud.contracts.methods import require_email_address
from cjp_fraud.notices.reports.addresses import xtext


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom in the dialogue; one recipient a transaction.

    Parameters
    ----------
    mail_from : return path; never the null sender, to which nothing comes back (RFC 5321, section 6.1).
    envid : under which delivery reports come back; None: none are asked for.

    Raises
    ------
    BadInputError
        If sender or recipient is no address.
    """

    mail_from: str
    recipient: str
    envid: str | None

    def __post_init__(self) -> None:
        require_email_address(self.mail_from)
        require_email_address(self.recipient)

    def commands(self, *, server_offers_reports: bool) -> Iterator[tuple[str, int]]:
        """Yield the commands of the transaction, each with the first digit of the reply that lets it go on."""
        reports = server_offers_reports and self.envid is not None
        sender = f"MAIL FROM:<{self.mail_from}>"
        recipient = f"RCPT TO:<{self.recipient}>"
        if reports:
            sender += f" RET=HDRS ENVID={self.envid}"
            recipient += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{xtext(self.recipient)}"
        yield sender, 2
        yield recipient, 2
        yield "DATA", 3
