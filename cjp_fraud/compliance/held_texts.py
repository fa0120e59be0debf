"""That no erasure passes over a legal hold: a pure rule over the entries of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from cjp_fraud.audit.named_rows import ERASED

HELD: Final = "privacy.held"
RELEASED: Final = "privacy.hold_released"


class HoldsKept:
    """Follows holds and erasures through the log; fed entry by entry."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._standing: dict[str, set[str]] = defaultdict(set)

    def add(self, sequence: int, action: str, subject_id: str, content: Mapping[str, Any]) -> None:
        """Take in the next entry; a fault if it erases what was held."""
        if action == HELD:
            self._standing[str(content.get("tenant_id"))].add(subject_id)
        elif action == RELEASED:
            self._standing[str(content.get("tenant_id"))].discard(subject_id)
        elif action == ERASED and self._standing[subject_id]:
            self.faults.append(
                f"entry {sequence} ({action}): erases texts of tenant {subject_id} under a legal hold"
            )
