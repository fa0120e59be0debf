"""Two real mail servers on loopback, the provider's and a customer's, and a deployment that serves notices by them."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.header import Header
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.notice_views import DeliveryRecord, Event
from cjp_fraud.operations import notices
from cjp_fraud.operations.notices import CollectedReports, DispatchResult
from cjp_fraud.people.model import Actor
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from tests.case_builders import SENDER, StaffedDeployment, open_staffed
from tests.contract_builders import a_row, read_agreement
from tests.mail_servers import free_port
from tests.postfix_servers import PostfixUnderTest, postfix_server, settled, until
from tests.snapshots import brought_to

OUR_NAME: Final = "mx.provider.example"
THEIR_NAME: Final = "mx.acme.example"
REPORTS: Final = "reports"
"""The provider's mailbox of all that comes back."""

_FULL_MAILBOX: Final = 100_000
"""Bytes that lie in a customer's mailbox which may hold no more."""

_CUSTOMERS_MAILBOXES: Final = ("notices", "ann", "bob", "grey")


@dataclass(frozen=True, slots=True)
class MailRoute:
    """The mail servers between a deployment and a customer.

    Parameters
    ----------
    ours : takes the notices, and files what comes back to the provider's domain.
    theirs : of the domain acme.example.
    rewriting : port of ours on which it sends everything on as from the common address of notices.
    elsewhere : port to which mail for elsewhere.example goes; a test may run a server there, or none.
    greylist : what the customer's server has seen.
    """

    ours: PostfixUnderTest
    theirs: PostfixUnderTest
    rewriting: int
    elsewhere: int
    greylist: Greylist

    def settled(self) -> None:
        """Wait until nothing is on its way any more."""
        settled(self.ours, self.theirs)

    def forget(self) -> None:
        """Let the next test begin with empty queues and mailboxes."""
        for server in (self.ours, self.theirs):
            server.drop_queue()
        self.settled()
        for server in (self.ours, self.theirs):
            server.empty_mailboxes()
        self.theirs.fill("full", _FULL_MAILBOX)
        self.greylist.seen.clear()

    def from_outside(self, sent_to: str, content: bytes) -> None:
        """Send a message to the provider's server as a stranger on another machine does, who calls himself by our name.

        The server is told where he comes from (XCLIENT), for all tests run on this machine.
        """
        with smtplib.SMTP("127.0.0.1", self.ours.port) as line:
            line.ehlo(OUR_NAME)
            line.docmd("XCLIENT", "NAME=evil.example ADDR=203.0.113.9")
            line.ehlo(OUR_NAME)
            line.sendmail("", [sent_to], content)

    @property
    def reports(self) -> list[bytes]:
        """What came back."""
        return self.ours.messages(REPORTS)


@dataclass
class Greylist:
    """A greylist as mail servers ask it (Postfix's policy protocol): who comes for the first time is to come again.

    Parameters
    ----------
    seen : sender and recipient; of a sender only what stands before a plus sign, as greylists know return paths that
        change with each message.
    """

    port: int
    seen: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, asked: dict[str, str]) -> str:
        """Return what the server does with a recipient."""
        local, _, domain = asked.get("sender", "").partition("@")
        key = (f"{local.partition('+')[0]}@{domain}", asked.get("recipient", ""))
        if key in self.seen:
            return "dunno"
        self.seen.add(key)
        return "450 4.7.1 Greylisted, come again later"


@contextmanager
def mail_route(certificate: Path) -> Iterator[MailRoute]:
    """Run both servers.

    Parameters
    ----------
    certificate : PEM file of the provider's server: key and certificate.
    """
    our_port, their_port, rewriting, elsewhere = (free_port() for _ in range(4))
    with (
        _greylist() as greylist,
        _the_providers(our_port, their_port, rewriting, elsewhere, certificate) as ours,
        _the_customers(their_port, our_port, greylist.port) as theirs,
    ):
        yield MailRoute(ours, theirs, rewriting, elsewhere, greylist)


@contextmanager
def _the_providers(
    port: int, their_port: int, rewriting: int, elsewhere: int, certificate: Path
) -> Iterator[PostfixUnderTest]:
    settings = {
        "virtual_mailbox_domains": "provider.example",
        "virtual_mailbox_maps": f"static:{REPORTS}/",
        "transport_maps": "texthash:{tables}/transport",
        "delay_warning_time": "1s",
        "smtp_connect_timeout": "5s",
        "smtpd_sender_restrictions": "check_sender_access texthash:{tables}/senders",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": str(certificate),
        "smtpd_authorized_xclient_hosts": "127.0.0.1",
    }
    tables = {
        "transport": [
            f"acme.example smtp:[127.0.0.1]:{their_port}",
            f"elsewhere.example smtp:[127.0.0.1]:{elsewhere}",
        ],
        "senders": ["unknown.example 553 5.7.1 Sender address rejected: not owned by you"],
    }
    services = (
        f"127.0.0.1:{rewriting} inet n - n - - smtpd -o cleanup_service_name=rewriting",
        "rewriting unix n - n - 0 cleanup -o sender_canonical_maps=static:notices@provider.example "
        "-o sender_canonical_classes=envelope_sender",
    )
    with postfix_server(
        OUR_NAME, port, settings=settings, tables=tables, services=services, mailboxes=(REPORTS,)
    ) as server:
        yield server


@contextmanager
def _the_customers(port: int, our_port: int, greylist_port: int) -> Iterator[PostfixUnderTest]:
    settings = {
        "virtual_mailbox_domains": "acme.example, elsewhere.example",
        "virtual_mailbox_maps": "texthash:{tables}/mailboxes",
        "virtual_alias_maps": "texthash:{tables}/aliases",
        "transport_maps": "texthash:{tables}/transport",
        "smtpd_restriction_classes": "greylisted, strict",
        "greylisted": f"check_policy_service inet:127.0.0.1:{greylist_port}",
        "strict": "check_sender_access texthash:{tables}/senders",
        "smtpd_recipient_restrictions": "check_recipient_access texthash:{tables}/recipients",
        "bounce_template_file": "{tables}/templates",
    }
    tables = {
        "mailboxes": [f"{name}@acme.example {name}/" for name in _CUSTOMERS_MAILBOXES]
        + [f"{name}@acme.example notices/" for name in ("strict", "dropped")]
        + ["notices@elsewhere.example notices/", "full@acme.example full"],
        "aliases": [
            "team@acme.example ann@acme.example, bob@acme.example",
            "board@acme.example ann@acme.example, gone@acme.example",
        ],
        "transport": [f"provider.example smtp:[127.0.0.1]:{our_port}", "full@acme.example tiny:"],
        "senders": ["provider.example 554 5.7.1 Sender address rejected: we take no mail of you"],
        "recipients": [
            "grey@acme.example greylisted",
            "strict@acme.example strict",
            "dropped@acme.example DISCARD as spam",
        ],
        "templates": [*_template("failure", "配信できませんでした"), *_template("success", "配信されました")],
    }
    with postfix_server(
        THEIR_NAME,
        port,
        settings=settings,
        tables=tables,
        services=(
            f"tiny unix - n n - - virtual -o virtual_mailbox_limit={_FULL_MAILBOX} "
            f"-o message_size_limit={_FULL_MAILBOX}",
        ),
        mailboxes=_CUSTOMERS_MAILBOXES,
    ) as server:
        yield server


def _template(kind: str, said: str) -> list[str]:
    """Return the lines by which a Postfix reports in Japanese, 8 bits a character and its subject encoded."""
    subject = Header(said, "utf-8").encode()
    return [f"{kind}_template = <<EOF", "Charset: utf-8", f"Subject: {subject}", "", f"{said}。", "EOF"]


@contextmanager
def _greylist() -> Iterator[Greylist]:
    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            for raw in self.rfile:
                name, _, value = raw.decode("utf-8", "replace").strip().partition("=")
                if name:
                    asked[name] = value
                else:
                    self.wfile.write(f"action={greylist.answer(asked)}\n\n".encode())
                    asked = {}

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as server:
        server.daemon_threads = True
        server.block_on_close = False
        greylist = Greylist(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield greylist
        finally:
            server.shutdown()
            thread.join(10)


@dataclass(frozen=True, slots=True)
class ServedByMail:
    """A deployment whose one case is approved: its notice goes through real mail servers, and reports come back."""

    deployment: Deployment
    staffed: StaffedDeployment
    route: MailRoute

    @property
    def case(self) -> str:
        """Number of the case."""
        return str(self.staffed.case().number)

    def dispatch(self, case: str | None = None) -> DispatchResult:
        """Do what ``notices dispatch`` does, a minute later; None: of the newest case."""
        self.staffed.wait(minutes=1)
        return notices.dispatch(self.deployment, self.staffed.now, case or self.case)

    def collect(self, *, reports: int | None = None) -> CollectedReports:
        """Wait, and do what ``notices collect`` does, a minute later.

        Parameters
        ----------
        reports : wait until so many messages have come back; None: until nothing is on its way any more.
        """
        if reports is None:
            self.route.settled()
        else:
            until(
                lambda: len(self.route.reports) >= reports, f"fewer than {reports} came back", self.route.ours
            )
        self.staffed.wait(minutes=1)
        return notices.collect(self.deployment, self.staffed.now)

    def record(self, case: str | None = None) -> DeliveryRecord:
        """Return what ``notices show`` shows of a case's first notice; None: of the newest case."""
        listed = notices.list_notices(self.deployment, case or self.case)
        return notices.show_notice(self.deployment, self.staffed.now, listed[0].id)

    def reported(self, case: str | None = None) -> list[Event]:
        """Return the events of the notice that came in messages, in order."""
        return [event for event in self.record(case).events if event.kind is not None]

    def rungs(self, case: str | None = None) -> list[tuple[DeliveryStatus, bool, bool]]:
        """Return of each of them: rung, whether it says that the notice did not arrive, whether it is authenticated."""
        return [(event.status, event.negative, event.authenticated) for event in self.reported(case)]

    def for_people(self, case: str | None = None) -> list[str]:
        """Return why a person must look at what came back, a sentence a message."""
        return [item.why for item in notices.list_work_items(self.deployment, case or self.case)]

    def letter(self) -> bytes:
        """Return the exact bytes of the notice."""
        return notices.message_of(self.deployment, self.record().id)

    def shut_by(self) -> tuple[str, ...]:
        """Return what keeps the gate shut now, a sentence each; empty: it is open."""
        with reading(self.staffed.engine) as session:
            facts = gate_facts(session, self.staffed.case(), self.staffed.policy, self.staffed.now)
        return check(facts, self.staffed.now).sentences


def notice_on_its_way(
    route: MailRoute,
    folder: Path,
    database: bytes,
    to: str,
    *,
    counts_when: Basis = Basis.DELIVERED,
    wait: timedelta = timedelta(),
    row: dict[str, str] | None = None,
    others: Sequence[dict[str, str]] = (),
    **settings: Any,
) -> ServedByMail:
    """Bring a case to ``approved`` whose notice goes to an address; nothing is dispatched yet.

    Parameters
    ----------
    database : bytes of a migrated SQLite database.
    counts_when : event from which the notice counts as received.
    wait : whole hours between the receipt and the measure.
    row : what differs in the tenants file.
    others : rows of further tenants.
    settings : what differs from the usual settings.
    """
    home = folder / "home"
    home.mkdir()
    (home / "cjp_fraud.db").write_bytes(database)
    usual = {
        "platform_mode": "act",
        "smtp_host": "127.0.0.1",
        "smtp_port": route.ours.port,
        "mail_from": "notices@provider.example",
        "provider_name": "Example Cloud",
        "contact": "+1 555 0100",
        "own_mail_servers": [OUR_NAME],
        "bounce_maildir": route.ours.mailbox(REPORTS),
    }
    deployment = Deployment(load_settings(home=home, **(usual | settings)))
    rows = (a_row(notice_address=to, **(row or {})), *others)
    engine = deployment.engine

    def approve() -> dict[str, Actor]:
        staffed = open_staffed(engine, folder, deployment.notice_methods, *rows)
        _enter_terms(engine, counts_when, wait)
        staffed.approved_case()
        return staffed.people

    steps = (*(tuple(sorted(row.items())) for row in rows), counts_when, wait)
    people = brought_to(engine, ("a notice on its way", steps), approve)
    policy = ProviderPolicy(mode=PlatformMode.ACT, sender=SENDER)
    staffed = StaffedDeployment(engine, deployment.notice_methods, EmbeddedPlatform(engine), policy)
    staffed.people = dict(people)
    return ServedByMail(deployment, staffed, route)


def _enter_terms(engine: Engine, counts_when: Basis, wait: timedelta) -> None:
    rule = MethodRule(EMAIL, counts_when, ("notice",))
    hours = Wait(wait // timedelta(hours=1), WaitUnit.HOURS)
    terms = NoticeTerms((NoticeStep(1, Combine.ALL_OF, (rule,), hours),))
    with transaction(engine) as session:
        read_agreement(session, terms)
