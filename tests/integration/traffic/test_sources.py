"""A source that is no file: through the same operation, with what it delivers wrong in quarantine under its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import create_engine, text

from cjp_fraud.operations.traffic import ingest_sources, list_quarantine
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.sources.model import SourceBatch
from tests.integration.traffic.test_inbox import NOW, Inbox

USAGE = """
SELECT customer AS tenant_id, minute AS interval_start, 60 AS interval_seconds, 'voice' AS channel,
       'outbound' AS direction, calls AS contacts_offered
FROM usage ORDER BY minute
"""


@dataclass
class QuerySource:
    """Usage by the minute as a provider's own database has it, two rows a batch."""

    rows: pd.DataFrame
    name: str = "query of usage"
    sha256: str = "5" * 64
    corrects: bool = False
    ignored: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = tuple(self.rows.columns)

    def batches(self) -> Iterator[SourceBatch]:
        for first in range(0, len(self.rows), 2):
            batch = pa.Table.from_pandas(self.rows.iloc[first : first + 2], preserve_index=False)
            yield SourceBatch(batch, np.arange(first, first + batch.num_rows) + 1)


def test_the_rows_of_a_query_are_taken_in_like_those_of_a_file(tmp_path: Path) -> None:
    deployment = Inbox(tmp_path / "home").deployment
    theirs = create_engine("sqlite://")
    with theirs.begin() as connection:
        connection.execute(text("CREATE TABLE usage (customer text, minute text, calls int)"))
        for minute, calls in enumerate((1, 2, -3)):
            at = datetime(2026, 3, 2, 9, minute, tzinfo=UTC).isoformat()
            values = {"at": at, "calls": calls}
            connection.execute(text("INSERT INTO usage VALUES ('acme', :at, :calls)"), values)
        source = QuerySource(pd.read_sql_query(text(USAGE), connection))

    first = ingest_sources(deployment, NOW, [source])
    again = ingest_sources(deployment, NOW, [source])

    assert (first.files, first.read, first.stored, first.quarantined) == (("query of usage",), 3, 2, 1)
    assert (again.stored, again.unchanged, again.changes) == (0, 2, False)
    assert deployment.lake.read(TRAFFIC)["contacts_offered"].to_pylist() == [3]
    [rejected] = list_quarantine(deployment)
    assert (rejected.source, rejected.line) == ("query of usage", 3)
