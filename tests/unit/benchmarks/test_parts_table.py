"""The table of what each part of the recipe is worth, put into its page, and the simulated set behind it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.quality import PAGE, PARTS_BEGIN, PARTS_END, simulated_cloud, write_parts


def test_the_table_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{PARTS_BEGIN}\nold\n{PARTS_END}\nafter\n", encoding="utf-8")
    table = pd.DataFrame({"recipe": ["as it is"], "cloud, false": [0.15]})
    write_parts(table, page)
    write_parts(table, page)
    assert page.read_text(encoding="utf-8") == (
        f"before\n{PARTS_BEGIN}\n| recipe | cloud, false |\n| --- | --- |\n| as it is | 0.15 |\n{PARTS_END}\nafter\n"
    )


def test_the_page_has_a_place_for_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8").count(PARTS_BEGIN) == 1


def test_a_fraud_of_the_cloud_is_labelled_and_judged_after_the_quiet_weeks() -> None:
    cloud = simulated_cloud(tenants=12, weeks=3, seed=5)
    assert cloud.zones is not None
    assert len(cloud.zones) == 12
    frauds = [window for windows in cloud.wanted["frauds"].values() for window in windows]
    labels = [window for windows in cloud.windows.values() for window in windows]
    assert frauds
    assert len(labels) > len(frauds)
    assert cloud.judged_from is not None
    assert all(until > cloud.judged_from for _, until in frauds)
