"""Attach a file to a case, and hand one out again: who got it is on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.operations.readings_on_record import Read, put_reading_on_record, read_lately
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.reach import CASE_READERS, ROLES_FOR_ACT
from cjp_fraud.people.users import actor_named
from cjp_fraud.review import claim as claims
from cjp_fraud.review.attachment_rules import AttachmentPolicy, checked_file, require_size
from cjp_fraud.review.attachments import attached_already, attachments_of, bytes_of
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.cases import case_id_of, in_words, lock_case
from cjp_fraud.review.tables import Attachment, Case
from cjp_fraud.review.views import AttachmentView
from cjp_fraud.storage.database import reading

_SHORTEST_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sends it."""

    name: str
    content: bytes

    @property
    def said(self) -> dict[str, str]:
        """What the file is known by where a form that is sent twice is told from another."""
        return {"file": self.name, "file_sha256": sha256_hex(self.content)}


@dataclass(frozen=True, slots=True)
class AttachmentResult:
    """A file that is attached to a case."""

    case: CaseStanding
    attachment: AttachmentView


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """An attachment with what it holds."""

    attachment: AttachmentView
    content: bytes


def most_bytes(deployment: Deployment) -> int:
    """Return how many bytes a file may have."""
    return AttachmentPolicy.of(deployment.settings).most_bytes


def require_fitting_size(deployment: Deployment, size: int) -> None:
    """Refuse a file of so many bytes if it is too large, before anybody has read it.

    Raises
    ------
    BadInputError
        Says how large one may be.
    """
    require_size(size, AttachmentPolicy.of(deployment.settings))


def read_upload(deployment: Deployment, file: Path) -> Upload:
    """Return a file of this machine as it is sent.

    Raises
    ------
    BadInputError
        If it cannot be read, or is too large.
    """
    try:
        require_fitting_size(deployment, file.stat().st_size)
        return Upload(file.name, file.read_bytes())
    except OSError as error:
        raise BadInputError(f"{file} cannot be read ({error.strerror}); name a file that is there") from None


def attach(
    deployment: Deployment, by: str, now: datetime, case: str, upload: Upload, text: str = ""
) -> AttachmentResult:
    """Attach a file to a case, with a comment where there is one; who does takes part, and may not approve.

    The same file under the same name, without words, changes nothing where it is attached already.

    Raises
    ------
    BadInputError
        If the file is too large, of no kind that is taken, or its name does not fit.
    Refused
        Names everything that stands in the way.
    """
    policy = AttachmentPolicy.of(deployment.settings)
    file = checked_file(upload.name, upload.content, policy)
    with deployment.deciding(by, now) as decision:
        session = decision.session
        row = lock_case(session, case_id_of(session, case))
        roles = ROLES_FOR_ACT["case.attached"]
        refuse_unless(
            (decision.by.may(*roles), f"{decision.by} is neither analyst, reviewer, approver nor counsel"),
            action=f"attach a file to {in_words(row)}",
        )
        require_reach(session, decision.by, row, roles)
        attached = attached_already(session, row, file)
        if attached is None:
            claims.comment(decision, row.id, text, file=file, policy=policy)
            attached = attached_already(session, row, file)
        elif text.strip():
            claims.comment(decision, row.id, text)
        assert attached is not None, "it was attached just now"
        return AttachmentResult(CaseStanding.of(row), attached)


def download(deployment: Deployment, by: str, now: datetime, case: str, attachment: str) -> AttachedFile:
    """Return a file of a case with its bytes; that the user ``by`` got it is on record, once an hour.

    Parameters
    ----------
    attachment : its id, or how it begins.

    Raises
    ------
    NotFoundError
        If the case has no such attachment, or what it held was erased.
    OutOfReach, Refused
        If the person's roles do not reach the case, or none of them reads cases.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        row = session.get_one(Case, case_id_of(session, case))
        reader = actor_named(session, by)
        refuse_unless(
            (reader.may(*CASE_READERS), f"{by} has no role that reads cases"),
            action=f"read an attachment of {in_words(row)}",
        )
        require_reach(session, reader, row)
        view = _attachment(session, row, attachment)
        content = bytes_of(session, view.id)
        if content is None:
            raise NotFoundError(f"what attachment {view.id} of {in_words(row)} held was erased")
        read = Read(
            "attachment.read",
            Attachment.__tablename__,
            view.id,
            {"case_id": row.id, "tenant_id": row.tenant_id, "sha256": view.sha256},
        )
        read_before = read_lately(session, read, reader.reference, now)
    if not read_before:
        put_reading_on_record(deployment, reader, now, read)
    return AttachedFile(view, content)


def _attachment(session: Session, case: Case, attachment: str) -> AttachmentView:
    views = (each for of_comment in attachments_of(session, case.id).values() for each in of_comment)
    meant = [each for each in views if len(attachment) >= _SHORTEST_ID and each.id.startswith(attachment)]
    if len(meant) != 1:
        raise NotFoundError(
            f"{in_words(case)} has {len(meant) or 'no'} attachments whose id begins with {attachment!r}; give it "
            f"whole: cjp-fraud cases show {case.number} lists them"
        )
    return meant[0]
