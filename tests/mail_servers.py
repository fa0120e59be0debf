"""Real SMTP servers on loopback, for tests: they offer delivery reports and answer as told."""

from __future__ import annotations

import asyncio
import re
import socket
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_REPORT_PARAMETERS = re.compile(r"\s(?:RET|ENVID|NOTIFY|ORCPT)=\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Received:
    """One message that the server took over."""

    mail_from: str
    recipient: str
    mail_command: str
    recipient_command: str
    content: bytes


@dataclass
class MailServerUnderTest:
    """What the server answers, and what it received.

    ``rcpt_replies`` and ``data_replies`` hold replies to be given in turn; without one it is 250. The
    data reply ``None`` closes the line instead of answering. ``on_recipient`` and ``on_data`` run before the answer.
    """

    host: str
    port: int
    received: list[Received] = field(default_factory=list)
    rcpt_replies: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    data_replies: deque[str | None] = field(default_factory=deque)
    on_recipient: Callable[[], None] | None = None
    on_data: Callable[[], None] | None = None
    offers_reports: bool = True


class _Handler:
    def __init__(self, server: MailServerUnderTest) -> None:
        self.server = server

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]] if self.server.offers_reports else responses

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if self.server.on_recipient is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.server.on_recipient)
        replies = self.server.rcpt_replies.get(address)
        reply = replies.popleft() if replies else "250 OK"
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: _ReportingSmtp, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        self.server.received.append(
            Received(
                str(envelope.mail_from),
                envelope.rcpt_tos[0],
                server.mail_command,
                server.recipient_command,
                content,
            )
        )
        if self.server.on_data is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.server.on_data)
        reply = self.server.data_replies.popleft() if self.server.data_replies else "250 2.0.0 queued as 4711"
        if reply is None:
            assert server.transport is not None
            server.transport.abort()
            return "451 never heard"
        return reply


class _ReportingSmtp(SMTP):
    """aiosmtpd knows no delivery reports: take their parameters off before it looks."""

    mail_command = ""
    recipient_command = ""

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.mail_command = arg or ""
        await super().smtp_MAIL(_REPORT_PARAMETERS.sub("", arg or ""))

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.recipient_command = arg or ""
        await super().smtp_RCPT(_REPORT_PARAMETERS.sub("", arg or ""))


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _ReportingSmtp(self.handler, **self.SMTP_kwargs)


@contextmanager
def smtp_server(port: int | None = None, **options: Any) -> Iterator[MailServerUnderTest]:
    """Run a server on a port of loopback, a free one by default; ``options`` go to aiosmtpd."""
    server = MailServerUnderTest("127.0.0.1", port or free_port())
    controller = _Controller(_Handler(server), hostname=server.host, port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop(no_assert=True)


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
