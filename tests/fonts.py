"""Fonts that tests of Japanese letters need: a skip that says so, and in CI a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from cjp_fraud.notices.letter_pdf import FONT_FOLDERS

JAPANESE_IS_THERE = any(list(Path(folder).glob("*CJK*")) for folder in FONT_FOLDERS)

with_japanese_fonts = pytest.mark.skipif(
    not JAPANESE_IS_THERE,
    reason="no Japanese font is installed: Debian's fonts-noto-cjk (scripts/system-parts names it)",
)
"""Marks a test that sets Japanese; a skip fails a run in CI."""
