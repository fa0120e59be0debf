"""What a comment may consist of."""

from __future__ import annotations

from typing import get_args

import pytest

from cjp_fraud.review.comment_rules import LONGEST_COMMENT, comment_faults
from cjp_fraud.web.api.fields import Text


@pytest.mark.parametrize(
    "text", ["two lines\r\nand a\ttab", "appelé à 2 h", "呼び出し", "👩\u200d💻", "x" * LONGEST_COMMENT]
)
def test_what_people_type_is_a_comment(text: str) -> None:
    assert comment_faults(text) == ()


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\ufeff", "\u00ad", "\x1b", "\u2028"])
def test_a_sign_that_nobody_sees_is_named_by_its_place(sign: str) -> None:
    (fault,) = comment_faults(f"dismi{sign}ss")

    assert fault.startswith(f"character 6 of the comment is U+{ord(sign):04X}")


def test_a_comment_is_as_long_on_every_face() -> None:
    (limits,) = get_args(Text)[1:]

    assert limits.max_length == LONGEST_COMMENT
    assert comment_faults("x" * (LONGEST_COMMENT + 1)) == ("the comment has 20001 characters; 20000 at most",)
