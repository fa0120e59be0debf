"""A real SMTP server on loopback for the demo: it keeps what it takes, and answers like any other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailSink:
    """Takes every message.

    Attributes
    ----------
    port : where it listens on 127.0.0.1.
    taken : bytes of each message, in order.
    """

    port: int = 0
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message; the name is the library's."""
        content = envelope.original_content or b""
        self.taken.append(content)
        return f"250 2.0.0 Ok: queued as DEMO{len(self.taken):04d}"


@contextmanager
def running_mail_sink() -> Iterator[MailSink]:
    """Run the server on a free port of loopback until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = MailSink(port)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
