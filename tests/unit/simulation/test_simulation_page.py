"""docs/simulation.md lists what is simulated."""

from __future__ import annotations

import re
from pathlib import Path

import cjp_fraud
from cjp_fraud.simulation.benign_twins import TWINS
from cjp_fraud.simulation.cloud_files import KNOWN_EVENT_COLUMNS, TRUTH_COLUMNS
from cjp_fraud.simulation.event_placement import SCENARIOS

PAGE = (Path(cjp_fraud.__file__).parents[1] / "docs" / "simulation.md").read_text()


def test_the_page_has_a_row_for_every_fraud_and_every_twin() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)
    assert rows == [scenario.name for scenario in SCENARIOS] + [twin.name for twin in TWINS]


def test_the_page_names_the_columns_of_the_files() -> None:
    assert f"`{', '.join(TRUTH_COLUMNS)}`" in PAGE
    assert f"`{', '.join(KNOWN_EVENT_COLUMNS)}`" in PAGE
