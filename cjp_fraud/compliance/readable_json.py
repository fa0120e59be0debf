"""JSON that people read and whose bytes follow from its content alone."""

from __future__ import annotations

import json
from typing import Any

from cjp_fraud.digests import canonical_json


def readable_json(document: Any) -> bytes:
    """Return a document as indented JSON, sorted by name; moments, enums and the like as canonical JSON has them."""
    plain = json.loads(canonical_json(document))
    return (json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
