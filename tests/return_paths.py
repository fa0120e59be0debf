"""The key of the return paths that all tests share: what one part sends, another can tell from a forgery."""

from __future__ import annotations

from typing import Final

from cjp_fraud.notices.return_paths import ReturnPathKey

KEY_HEX: Final = "0f" * 32
KEY: Final = ReturnPathKey(bytes.fromhex(KEY_HEX))
