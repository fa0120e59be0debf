"""People name rows by the beginning of their id, as tables print it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.errors import NotFoundError
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading
from tests.case_builders import START, a_flag, flag
from tests.contract_builders import a_row, load_rows

pytestmark = pytest.mark.both_databases


def test_what_begins_one_id_names_it_and_what_begins_several_or_none_is_an_error(
    engine: Engine, tmp_path: Path
) -> None:
    load_rows(engine, tmp_path, a_row(), at=START - timedelta(days=60))
    flag(engine, *(a_flag(START + timedelta(minutes=5 * n)) for n in range(3)))
    with reading(engine) as session:
        ids = session.scalars(select(Flag.id).order_by(Flag.id)).all()
        for named in (ids[0], ids[0][:-1], f" {ids[0].upper()} "):
            assert id_of(session, Flag.id, named, "flag", "flags list") == ids[0]
        with pytest.raises(
            NotFoundError, match=f"more than one flag begins with .*{ids[0][:13]}.*more digits"
        ):
            id_of(session, Flag.id, ids[0][:6], "flag", "flags list")
        for wrong in ("", "0", "%%%%%%%%", "ffffffff", f"{ids[0]}0"):
            with pytest.raises(NotFoundError, match=r"no flag .* is on record; flags list shows them"):
                id_of(session, Flag.id, wrong, "flag", "flags list")
