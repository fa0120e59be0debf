"""Whether the chain of the audit log holds, for tests that look at nothing else."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import faults
from cjp_fraud.audit.log import links


def chain_faults(session: Session) -> list[str]:
    """Recompute every digest of the log, and return what does not hold."""
    return faults(links(session))
