"""Whether the rows that a letter is made of are as the audit log names them: asked before its bytes leave."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.entries_of_case import newest_names
from cjp_fraud.audit.log import lock_log
from cjp_fraud.audit.mapped_rows import record_of
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan

_NO_CASE: Final = ""
"""In the place of a case's id: only what names the letter's own rows is asked."""


def letter_row_faults(session: Session, notice: Notice) -> tuple[str, ...]:
    """Return where a letter's rows are not as the newest entry that names them left them, a sentence each.

    Its plan with the approved words, its bytes, its attempts and the customer's name; the address is compared with its
    digest in the plan. The log is locked for it: nobody writes until the transaction ends.
    """
    lock_log(session)
    records = _records(session, notice)
    named = {(record.table, record.id) for record in records}
    return tuple(newest_names(session, named, _NO_CASE, (), ()).faults(records))


def _records(session: Session, notice: Notice) -> list[Record]:
    of_plan = NoticePlan.id == notice.plan_id
    rows = (
        *session.scalars(select(Notice).where(Notice.id == notice.id)),
        *session.scalars(select(NoticePlan).where(of_plan)),
        *session.scalars(select(NoticeAttempt).where(NoticeAttempt.notice_id == notice.id)),
        *session.scalars(select(Tenant).join(NoticePlan, NoticePlan.tenant_id == Tenant.id).where(of_plan)),
    )
    return [record_of(row) for row in rows]
