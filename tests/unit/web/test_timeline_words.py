"""What a case's timeline names: each action of the log about a case has words of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import cjp_fraud
from cjp_fraud.compliance.bundle import EXPORTED
from cjp_fraud.notices.model import Outcome
from cjp_fraud.web.labels import LABELS

WRITES_ABOUT_A_CASE = ("note", "move", "log_notice", "log_step")
"""Functions that append an entry with the case's id; ``append`` does where it is given one."""

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def actions() -> Iterator[str]:
    """Yield each action that is written out where an entry about a case is appended."""
    for file in Path(cjp_fraud.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            appends = call.func.id == "append" and "case_id" in {each.arg for each in call.keywords}
            if appends or call.func.id in WRITES_ABOUT_A_CASE:
                texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
                yield from (text for text in texts if isinstance(text, str) and ACTION.fullmatch(text))


def test_every_action_about_a_case_has_words() -> None:
    written = {*actions(), EXPORTED, *(f"notice.{outcome}" for outcome in Outcome)}
    assert {"case.claimed", "notice.planned", "notice_page.opened"} < written
    assert written - LABELS.keys() == set()
