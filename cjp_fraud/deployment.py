"""A deployment opened: settings turned into a database, a lake, a platform and a mail server, once, at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cjp_fraud.clock import LaterOf, TickingClock
from cjp_fraud.config import Settings, load_settings
from cjp_fraud.errors import BadInputError, StorageError, refuse_unless

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cjp_fraud.audit.head_keys import HeadKeys
    from cjp_fraud.audit.head_store import HeadStore
    from cjp_fraud.audit.recording import HomeClock
    from cjp_fraud.notices.methods.interface import NoticeMethod, NoticeMethods
    from cjp_fraud.notices.methods.print_folder import PrintFolder
    from cjp_fraud.notices.methods.print_interface import PrintInterface
    from cjp_fraud.notices.report_origin import TxtRecords
    from cjp_fraud.people.form_submissions import PostedForm
    from cjp_fraud.people.model import Decision
    from cjp_fraud.review.claim_rules import ClaimPolicy
    from cjp_fraud.review.count_cache import CountCache
    from cjp_fraud.review.provider_policy import ProviderPolicy
    from cjp_fraud.storage.lake import Lake
    from cjp_fraud.suspension.connections import Enforcement
    from cjp_fraud.suspension.platform import PlatformClient
    from cjp_fraud.traffic.model import TenantTraffic

# Its parts are imported when they are asked for: a command pays only for what it uses.


def open_deployment(**chosen: Any) -> Deployment:
    """Return the deployment that the environment (``CJP_FRAUD_*``) describes; ``chosen`` settings win.

    Raises
    ------
    BadInputError
        Names each setting that cannot be used and why.
    """
    settings = load_settings(**chosen)
    return Deployment(settings, now_is_ordered=chosen.get("now") is not None)


def open_for_reading(**chosen: Any) -> Deployment:
    """Return the same deployment as :func:`open_deployment`, through which neither database nor lake can be changed.

    Raises
    ------
    BadInputError
        Names each setting that cannot be used and why.
    """
    return Deployment(load_settings(**chosen), reads_only=True)


@dataclass(frozen=True)
class Deployment:
    """One deployment as the command line, the DAGs and the notebooks use it.

    Parameters
    ----------
    settings : what the environment says.
    now_is_ordered : whether ``settings.now`` was given for this call (``--now``), and not by the environment,
        which stands for many calls: a simulated clock that is past it already refuses the first and passes
        over the second.
    form : the posted form by which somebody decides (:meth:`acting_for`); None: no page asks.
    reads_only : whether the database and the lake refuse every change.
    """

    settings: Settings
    now_is_ordered: bool = False
    form: PostedForm | None = None
    reads_only: bool = False

    def acting_for(self, form: PostedForm) -> Deployment:
        """Return the same deployment, open as it is, whose decisions a posted form makes: once, and on what it saw."""
        other = copy(self)
        object.__setattr__(other, "form", form)
        return other

    @cached_property
    def engine(self) -> Engine:
        """The database, checked to be at this version's schema.

        Raises
        ------
        StorageError
            If ``cjp-fraud init`` has not been run, or ran for another version.
        ClockError
            If the settings give a moment and the home's clock is not simulated, or is past it.
        BadInputError
            If the home's clock is simulated and the settings reach out of this machine.
        """
        from sqlalchemy.engine import make_url

        from cjp_fraud.storage.database import make_engine, make_reading_engine
        from cjp_fraud.storage.schema_version import require_current

        url = make_url(self.settings.database)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise StorageError(f"there is no database at {url.database}; run: cjp-fraud init")
        opened = make_reading_engine if self.reads_only else make_engine
        engine = opened(self.settings.database)
        require_current(engine)
        if not self.reads_only:
            self._set_clock(engine)
        return engine

    @cached_property
    def home_clock(self) -> HomeClock:
        """The home's clock: the machine's, or a simulated one."""
        from cjp_fraud.audit.recording import home_clock
        from cjp_fraud.storage.database import reading

        with reading(self.engine) as session:
            return home_clock(session)

    @cached_property
    def count_cache(self) -> CountCache:
        """Counts of the queue that are kept while they hold."""
        from cjp_fraud.review.count_cache import CountCache

        return CountCache()

    @cached_property
    def lake(self) -> Lake:
        """The lake; ``cjp-fraud init`` makes its tables."""
        from cjp_fraud.storage.lake import Lake
        from cjp_fraud.storage.reading_lake import ReadingLake

        options = {key: value.get_secret_value() for key, value in self.settings.lake_storage_options.items()}
        kind = ReadingLake if self.reads_only else Lake
        return kind(self.settings.lake, storage_options=options or None)

    @property
    def head_keys(self) -> HeadKeys:
        """The keys that sign the head of the log; ``cjp-fraud init`` makes them."""
        from cjp_fraud.audit.head_keys import HeadKeys

        return HeadKeys(self.settings.key_folder)

    @property
    def head_store(self) -> HeadStore:
        """The second place of signed heads; ``cjp-fraud init`` makes it."""
        from cjp_fraud.audit.head_store import HeadStore

        options = self.settings.heads_storage_options
        return HeadStore(
            self.settings.heads, {key: value.get_secret_value() for key, value in options.items()}
        )

    @property
    def traffic_tenants(self) -> dict[str, TenantTraffic]:
        """All tenants on record, as traffic needs them."""
        from cjp_fraud.contracts.tenants import tenants_on_record
        from cjp_fraud.storage.database import reading
        from cjp_fraud.traffic.model import TenantTraffic

        with reading(self.engine) as session:
            return {
                tenant_id: TenantTraffic(tenant_id, row.time_zone, row.deployment_accepted)
                for tenant_id, row in tenants_on_record(session, self.now).items()
            }

    @property
    def zones(self) -> dict[str, str]:
        """IANA zone of every tenant on record."""
        from sqlalchemy import select

        from cjp_fraud.contracts.tables import Tenant
        from cjp_fraud.storage.database import reading

        with reading(self.engine) as session:
            rows = session.execute(select(Tenant.id, Tenant.time_zone).order_by(Tenant.id))
            return {row.id: row.time_zone for row in rows}

    @property
    def platform(self) -> PlatformClient:
        """The platform that takes the commands."""
        from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform

        return EmbeddedPlatform(self.engine)

    @property
    def notice_methods(self) -> NoticeMethods:
        """The methods by which notices are served; a new method is named here."""
        from cjp_fraud.contracts.methods import EMAIL, POSTAL_CLASSES, PUBLICATION
        from cjp_fraud.notices.methods.email import EmailMethod
        from cjp_fraud.notices.methods.interface import NoticeMethods
        from cjp_fraud.notices.methods.mail_server import mail_server
        from cjp_fraud.notices.methods.publication import PublicationMethod
        from cjp_fraud.notices.page_key import page_links
        from cjp_fraud.notices.return_path_key import return_path_key

        pages = page_links(self.settings)
        by_name: dict[str, NoticeMethod[Any, Any]] = {
            EMAIL: EmailMethod(mail_server(self.settings), return_path_key(self.settings), pages)
        }
        if pages is not None:
            by_name[PUBLICATION] = PublicationMethod(pages)
        printer = self.printer
        if printer is not None:
            from cjp_fraud.notices.methods.letter import Letterhead, LetterMethod

            settings = self.settings
            head = Letterhead(settings.sender_legal_name, settings.postal_address, settings.fonts)
            by_name |= {
                name: LetterMethod(head, printer, postal_class)
                for name, postal_class in POSTAL_CLASSES.items()
            }
        return NoticeMethods(self.settings.platform_mode, by_name, give_up_after=self.settings.fresh)

    @property
    def printer(self) -> PrintFolder | PrintInterface | None:
        """Whoever prints and posts letters; None: notices are not served by letter."""
        settings = self.settings
        if settings.print_url is not None:
            from cjp_fraud.notices.methods.print_interface import PrintInterface

            token = settings.print_token.get_secret_value() if settings.print_token is not None else None
            return PrintInterface(settings.print_url, token)
        if settings.print_folder is not None:
            from cjp_fraud.notices.methods.print_folder import PrintFolder

            return PrintFolder(settings.print_folder)
        return None

    @property
    def txt_records(self) -> TxtRecords | None:
        """Looks up TXT records, for DKIM; None: the clock is simulated, so no name server is asked."""
        if self.home_clock.simulated:
            return None
        from dkim.dnsplug import get_txt

        return get_txt  # type: ignore[no-any-return]

    @property
    def policy(self) -> ProviderPolicy:
        """Mode in force, how long things stay fresh, who writes, and by which methods (those of ``notice_methods``)."""
        from cjp_fraud.contracts.methods import EMAIL, POSTAL_CLASSES, PUBLICATION
        from cjp_fraud.review.provider_policy import ProviderPolicy

        # By name only: most that ask for the policy send nothing, and need neither the mail server nor its key.
        printed = frozenset(POSTAL_CLASSES) if self.printer is not None else frozenset()
        published = frozenset({PUBLICATION}) if self.settings.public_url is not None else frozenset()
        return ProviderPolicy.of(self.settings, frozenset({EMAIL}) | printed | published)

    @property
    def claim_policy(self) -> ClaimPolicy:
        """How long cases are held, and within what time they should be decided."""
        from cjp_fraud.review.claim_rules import ClaimPolicy

        return ClaimPolicy.of(self.settings)

    def enforcement(self, now: datetime) -> Enforcement:
        """Return what approved cases are enforced with, by the home's clock, which shows ``now`` (aware) or later."""
        from cjp_fraud.suspension.connections import Enforcement

        clock = LaterOf(self.home_clock, TickingClock(now))
        return Enforcement(self.engine, self.notice_methods, self.platform, self.policy, clock)

    @contextmanager
    def deciding(self, by: str, at: datetime, *, of_their_own: bool = False) -> Iterator[Decision]:
        """Open a transaction in which the user named ``by`` decides; committed at the end.

        A refusal that is about who decides (a role, its reach, a part that they took, how new they are) goes on record.

        Parameters
        ----------
        of_their_own : whether it is about that person alone (settings, tokens, views), or only says what they read;
            anything else an auditor is refused.

        Raises
        ------
        NotFoundError
            If nobody has that name.
        Refused
            If somebody changes something who is an auditor and nothing else.
        FormSentBefore, StaleForm
            If a form decides that acted before, or that was made before the case's last change.
        """
        from cjp_fraud.people.denials import denials_on_record
        from cjp_fraud.people.model import Decision
        from cjp_fraud.people.users import actor_named
        from cjp_fraud.storage.database import transaction

        with denials_on_record(self.engine, by, at), transaction(self.engine) as session:
            decision = Decision(session, actor_named(session, by), at)
            reads_only = decision.by.only_reads and not of_their_own
            refuse_unless(
                (not reads_only, f"{by} is an auditor, who reads all and changes nothing"), action="change it"
            )
            with self.form.acting(decision) if self.form is not None else nullcontext():
                yield decision

    @property
    def now(self) -> datetime:
        """The present moment by the home's clock, in UTC; it ticks, also where it is simulated."""
        return self.home_clock.now()

    def require_inside(self) -> None:
        """Refuse settings that reach out of this machine, for a home whose clock is simulated.

        Raises
        ------
        BadInputError
            Names the setting.
        """
        setting = self.settings.reaches_outside
        if setting is not None:
            raise BadInputError(
                f"this home's clock is simulated, so it sends mail to this machine only (127.0.0.1, ::1, "
                f"localhost), knows only the embedded platform and keeps signed heads in a folder; change {setting}, "
                "or use a home made without --simulated"
            )

    def _set_clock(self, engine: Engine) -> None:
        """Move a simulated clock to where the settings want it, and refuse what no simulated home may do."""
        from cjp_fraud.audit.home import move_clock
        from cjp_fraud.audit.recording import home_clock
        from cjp_fraud.people.model import Decision, machine
        from cjp_fraud.storage.database import reading, transaction

        with reading(engine) as session:
            clock = home_clock(session)
        if clock.simulated:
            self.require_inside()
        ordered_now = self.settings.now
        is_past = ordered_now is not None and clock.simulated and ordered_now <= clock.now()
        if ordered_now is not None and (self.now_is_ordered or not is_past):
            with transaction(engine) as session:
                move_clock(Decision(session, machine("clock"), ordered_now))
