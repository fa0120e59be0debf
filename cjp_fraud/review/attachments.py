"""Files beside the comments of a case: put on record with the comment, listed without their bytes, and read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.people.model import Decision
from cjp_fraud.review.attachment_rules import AttachmentPolicy, CheckedFile
from cjp_fraud.review.tables import Attachment, AttachmentContent, Case, CaseComment
from cjp_fraud.review.views import AttachmentView

# Made once: to make a statement takes longer than to run it.
_OF_CASE: Final = (
    select(
        Attachment.id,
        Attachment.comment_id,
        Attachment.kind,
        PersonalText.body,
        AttachmentContent.size_bytes,
        AttachmentContent.sha256,
        AttachmentContent.erased_at,
    )
    .join(AttachmentContent, AttachmentContent.attachment_id == Attachment.id)
    .join(PersonalText, PersonalText.id == Attachment.name_text_id)
    .where(Attachment.case_id == bindparam("case_id"))
    .order_by(Attachment.id)
)

ERASED_NAME = "(erased)"
"""Stands where the name of a file was erased."""


def attachment_faults(session: Session, case: Case, policy: AttachmentPolicy) -> Iterator[tuple[bool, str]]:
    """Yield whether a locked case may get a further file, with the sentence to say if not."""
    there = session.scalar(select(func.count()).where(Attachment.case_id == case.id)) or 0
    yield (
        there < policy.most_of_a_case,
        f"it has {there} attachment(s), and {policy.most_of_a_case} is the most (CJP_FRAUD_ATTACHMENTS_PER_CASE)",
    )


def store_file(decision: Decision, comment: CaseComment, file: CheckedFile) -> Attachment:
    """Store a file beside a comment; the caller writes the log."""
    session = decision.session
    attachment = Attachment(
        case_id=comment.case_id,
        comment_id=comment.id,
        name_text_id=keep_text(session, file.name, decision.at).id,
        kind=file.kind,
    )
    session.add(attachment)
    session.flush()
    content = AttachmentContent(
        attachment_id=attachment.id,
        content=file.content,
        size_bytes=len(file.content),
        sha256=file.sha256,
    )
    session.add(content)
    session.flush()
    return attachment


def attached_already(session: Session, case: Case, file: CheckedFile) -> AttachmentView | None:
    """Return the attachment of a case that holds these very bytes under this name; None: none does."""
    there = (each for views in attachments_of(session, case.id).values() for each in views)
    return next((each for each in there if (each.sha256, each.name) == (file.sha256, file.name)), None)


def attachments_of(session: Session, case_id: str) -> Mapping[str, Sequence[AttachmentView]]:
    """Return a case's attachments by the id of their comment, the oldest first; no bytes are read."""
    rows = session.execute(_OF_CASE, {"case_id": case_id})
    by_comment: dict[str, list[AttachmentView]] = defaultdict(list)
    for row in rows:
        name = row.body if row.body is not None else ERASED_NAME
        by_comment[row.comment_id].append(
            AttachmentView(row.id, name, row.kind, row.size_bytes, row.sha256, row.erased_at)
        )
    return by_comment


def bytes_of(session: Session, attachment_id: str) -> bytes | None:
    """Return what an attachment on record holds; None: it was erased."""
    return session.scalar(
        select(AttachmentContent.content).where(AttachmentContent.attachment_id == attachment_id)
    )
