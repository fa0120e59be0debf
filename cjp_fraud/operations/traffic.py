"""Take traffic in, from any source; show what is loaded; list, resubmit, erase rejected rows."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.operations.caps import cap_breaches_of_new_traffic
from cjp_fraud.operations.reach import tenants_reached
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import reading
from cjp_fraud.traffic import ingest as traffic_ingest
from cjp_fraud.traffic import quarantine
from cjp_fraud.traffic.inbox import INBOX, waiting_files
from cjp_fraud.traffic.model import (
    FileChangedError,
    IngestResult,
    Quarantined,
    Reason,
    UnreadableFileError,
)
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.sources.model import TrafficSource, readable_name
from cjp_fraud.traffic.status import TrafficStatus, status_of
from cjp_fraud.traffic.store import Delivery, changes_wait

LONGEST_NAME = 150
"""Bytes of a moved file's name; with ``.reason.txt`` and a number it stays under the 255 of file systems."""


@dataclass(frozen=True, slots=True)
class InboxResult:
    """What one look into the inbox did.

    Parameters
    ----------
    ingested : counts over all files taken in.
    refused : name in ``inbox/refused`` and reason of each file that could not be used.
    waiting : files left for the next run, because somebody is still writing to them or a failure came before.
    changed : whether traffic has changed and the detection has something to do.
    failure : what stopped the run before the last file (a full disk, a database that is away); None: nothing.
        The files before it are stored.
    """

    ingested: IngestResult
    refused: Mapping[str, str]
    waiting: tuple[str, ...]
    changed: bool
    failure: str | None


@dataclass(frozen=True, slots=True)
class QuarantinePurged:
    """What was erased from the quarantine.

    Parameters
    ----------
    erased : number of rows.
    """

    tenant_id: str
    erased: int


def ingest_files(
    deployment: Deployment,
    now: datetime,
    files: Sequence[Path],
    *,
    mapping: Mapping[str, str] | None = None,
    complete: bool = False,
    corrects: bool = False,
    report: Report | None = None,
) -> IngestResult:
    """Take files in, one after the other; the same file again changes nothing.

    Parameters
    ----------
    now : aware; stamps over a day ahead of it are rejected.
    files : CSV, gzipped CSV or Parquet.
    mapping : ``{theirs: ours}``, columns that go by another name.
    complete : the source leaves out intervals without contacts: missing ones inside a series' span are zero.
    corrects : the rows take away earlier rows of their series whose whole time they cover, at whatever step.

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole; nothing of it is stored, the files before it are.
    StorageError
        If the disk is full.
    """
    sources = (FileSource(path, mapping, corrects=corrects) for path in files)
    return ingest_sources(deployment, now, sources, complete=complete, report=report)


def ingest_sources(
    deployment: Deployment,
    now: datetime,
    sources: Iterable[TrafficSource],
    *,
    complete: bool = False,
    report: Report | None = None,
) -> IngestResult:
    """Take sources in, one after the other; what one delivers again changes nothing.

    Parameters
    ----------
    now : aware; stamps over a day ahead of it are rejected.
    sources : of any kind: files, a query, a feed; each is opened when its turn comes.
    complete : the sources leave out intervals without contacts: missing ones inside a series' span are zero.

    Raises
    ------
    BadInputError
        If a source cannot be used as a whole; nothing of it is stored, the sources before it are.
    StorageError
        If the disk is full.
    """
    taken = traffic_ingest.ingest_sources(sources, _delivery(deployment, now, report), complete=complete)
    cap_breaches_of_new_traffic(deployment, now)
    return taken


def ingest_inbox(deployment: Deployment, now: datetime) -> InboxResult:
    """Take in the inbox's files by name; one that is called like ``calls.corrects.csv`` corrects earlier rows.

    A file that cannot be used is moved to ``refused`` with its reason beside it, so that it holds up no other;
    one that is still being written to, or whose name begins with a dot, is left for the next run. A kill before
    a move makes the next run read the file again, which changes nothing.

    Raises
    ------
    Exception
        What stopped the run, if nothing was stored before it; otherwise it is in the result, so that what was
        stored is announced.
    """
    inbox = deployment.settings.home / INBOX
    done, refused = inbox / "done", inbox / "refused"
    if os.path.lexists(inbox) and not inbox.is_dir():
        raise BadInputError(f"{inbox} is no folder, and files are to be taken in from it; move it away")
    inbox.mkdir(parents=True, exist_ok=True)
    for folder in (done, refused):
        _make_room(folder)
    into = _delivery(deployment, now)
    total = IngestResult()
    reasons: dict[str, str] = {}
    waiting: list[str] = []
    failure: str | None = None
    entries = waiting_files(inbox)
    for number, path in enumerate(entries):
        try:
            total += traffic_ingest.ingest_source(FileSource(path, corrects=_corrects(path)), into)
        except FileChangedError:
            waiting += [readable_name(path.name)] if os.path.lexists(path) else []
        except BadInputError as error:
            reason = _refusal(path, error)
            if reason is not None:
                moved = _move(path, refused)
                _reason_beside(moved).write_text(f"{reason}\n")
                reasons[moved.name] = reason
        except Exception as error:
            if not total.changes:
                raise
            failure = str(error) if isinstance(error, CjpFraudError) else f"{type(error).__name__}: {error}"
            waiting += [readable_name(entry.name) for entry in entries[number:]]
            break
        else:
            _move(path, done)
    # A run that was killed after it stored a file reads it again and finds nothing new: what it left unannounced
    # is among the changes that nobody has scored.
    changed = total.changes or (bool(entries) and changes_wait(deployment.engine))
    return InboxResult(total, reasons, tuple(waiting), changed, failure)


def resubmit_quarantined(
    deployment: Deployment,
    now: datetime,
    *,
    ids: Collection[str] | None = None,
    reason: Reason | None = None,
    tenant_id: str | None = None,
    report: Report | None = None,
) -> IngestResult:
    """Check quarantined rows again and store those that can now be used; the others stay.

    Parameters
    ----------
    ids, reason, tenant_id : only these rows; default all.
    """
    into = _delivery(deployment, now, report)
    return traffic_ingest.resubmit_quarantined(into, ids=ids, reason=reason, tenant_id=tenant_id)


def list_quarantine(
    deployment: Deployment,
    *,
    ids: Collection[str] | None = None,
    reason: Reason | None = None,
    tenant_id: str | None = None,
    limit: int | None = None,
) -> tuple[Quarantined, ...]:
    """Return the rows in quarantine by source and line: at most ``limit``, only those asked for.

    Raises
    ------
    NotFoundError
        If the tenant is not on record and no row in quarantine is of it.
    """
    rows = quarantine.list_quarantine(
        deployment.lake, ids=ids, reason=reason, tenant_id=tenant_id, limit=limit
    )
    if tenant_id is not None and not rows and tenant_id not in deployment.traffic_tenants:
        known = quarantine.tenants_quarantined(deployment.lake) | deployment.traffic_tenants.keys()
        if tenant_id not in known:
            raise tenant_not_on_record(tenant_id, known)
    return tuple(rows)


def purge_quarantine(deployment: Deployment, tenant_id: str) -> QuarantinePurged:
    """Erase a tenant's rows from the quarantine and from the disk; the tenant need not be on record."""
    purged = quarantine.purge_quarantine(deployment.lake, deployment.engine, [tenant_id])
    return QuarantinePurged(tenant_id, purged.get(tenant_id, 0))


def purge_excluded(deployment: Deployment) -> dict[str, int]:
    """Erase the quarantined rows of all tenants whose deployment the provider does not run (clause 3).

    Whoever puts tenants on record calls it afterwards. Returns the number of rows by tenant.
    """
    return quarantine.purge_excluded(deployment.lake, deployment.engine, deployment.traffic_tenants)


def traffic_status(
    deployment: Deployment, tenant_id: str | None = None, *, by: str | None = None
) -> TrafficStatus:
    """Return what is loaded: for each tenant on record its series, span, gaps, newest interval and late rows.

    Parameters
    ----------
    tenant_id : only this tenant, with its series one by one and where their gaps are.
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    tenants = deployment.traffic_tenants
    if tenant_id is not None and tenant_id not in tenants:
        raise tenant_not_on_record(tenant_id, tenants)
    with reading(deployment.engine) as session:
        reached = tenants_reached(session, by)
    wanted = sorted(tenants) if tenant_id is None else [tenant_id]
    return status_of(
        deployment.lake, [each for each in wanted if reached is None or each in reached], tenant_id
    )


def _delivery(deployment: Deployment, now: datetime, report: Report | None = None) -> Delivery:
    into = Delivery(
        lake=deployment.lake,
        engine=deployment.engine,
        tenants=deployment.traffic_tenants,
        now=now,
        grid_seconds=deployment.settings.grid_seconds,
    )
    return into if report is None else replace(into, report=report)


def _corrects(path: Path) -> bool:
    """Return whether a file's name says that it corrects: one of the words after its dots is "corrects"."""
    return "corrects" in path.name.lower().split(".")[1:]


def _refusal(path: Path, error: BadInputError) -> str | None:
    """Return why a file is refused, or None if it is gone: then there is nothing to refuse."""
    if not os.path.lexists(path):
        return None
    if path.is_dir():
        return f"{readable_name(path.name)} is a folder; put the files themselves into the inbox"
    if not isinstance(error, UnreadableFileError) or path.exists():
        return str(error)
    return f"{readable_name(path.name)} is a link to nothing"


def _make_room(folder: Path) -> None:
    """Make a folder; a delivered file of its name gets a number and is taken in like any other."""
    if os.path.lexists(folder) and not folder.is_dir():
        folder.rename(_free_name(folder.parent, folder.name))
    folder.mkdir(exist_ok=True)


def _free_name(folder: Path, name: str) -> Path:
    """Return a path in the folder that nothing has, nor the reason that may be written beside it: the name, or the
    name with a number."""
    target, number = folder / name, 1
    while os.path.lexists(target) or os.path.lexists(_reason_beside(target)):
        target, number = folder / f"{name}.{number}", number + 1
    return target


def _reason_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.reason.txt")


def _move(path: Path, folder: Path) -> Path:
    """Move a file to a folder, its name shortened and escaped.

    A file that has this name there already is another delivery and keeps the name; the new one gets a number.
    """
    target = _free_name(folder, readable_name(path.name, LONGEST_NAME))
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        # Somebody took the file away at this moment; what it said is stored or refused all the same.
    return target
