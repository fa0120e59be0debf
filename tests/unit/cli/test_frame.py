from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import typer

from cjp_fraud.cli.frame import moment, print_record, print_rows


@pytest.mark.parametrize("text", ["hi [/x]", "[red]not red[/red]", "[link=x]"])
def test_what_people_write_is_printed_as_it_is_and_never_read_as_markup(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_rows([{"text": text}], as_json=False, title=text)
    print_record({text: text}, as_json=False, title=text)
    print_rows([], as_json=False, title=text)
    assert capsys.readouterr().out.count(text) == 6


def test_json_is_json_whatever_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"at": datetime(2026, 1, 31, 9, tzinfo=UTC), "set": {1}}], as_json=True, title="x")
    assert json.loads(capsys.readouterr().out) == [{"at": "2026-01-31T09:00:00.000000Z", "set": [1]}]


def test_a_time_without_a_zone_is_wrong_usage_and_says_what_to_write() -> None:
    with pytest.raises(typer.BadParameter, match="2026-01-31T09:00:00Z"):
        moment("2026-01-31T09:00:00")
    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
