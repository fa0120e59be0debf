"""A lake that is only read: as analyses open it, so that no notebook changes what detection rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NoReturn

import pyarrow as pa

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.lake import Lake, LakeTable, Where


class ReadingLake(Lake):
    """A lake whose tables are read; whatever would change one raises StorageError."""

    def create(self, tables: Iterable[LakeTable], *, buckets: int) -> None:
        """Refuse."""
        _refuse()

    def replace(
        self, table: LakeTable, rows: pa.Table | Callable[[], pa.RecordBatchReader], *, where: Where
    ) -> int:
        """Refuse."""
        _refuse()

    def append(self, table: LakeTable, rows: pa.Table | Callable[[], pa.RecordBatchReader]) -> int:
        """Refuse."""
        _refuse()

    def delete(self, table: LakeTable, *, where: Where) -> int:
        """Refuse."""
        _refuse()

    def vacuum(self, table: LakeTable, *, keep: timedelta) -> list[str]:
        """Refuse."""
        _refuse()


def _refuse() -> NoReturn:
    raise StorageError(
        "this lake is opened for reading alone, as notebooks open it: nothing was changed; "
        "take traffic in and score it by cjp-fraud"
    )
