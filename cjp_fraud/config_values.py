"""Values as settings write them: JSON in a variable, one line of text, keys, hosts; and URLs without their secrets."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from typing import Any, Final

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

PREFIX: Final = "CJP_FRAUD_"
"""How the names of all variables begin."""

FROM_THE_ENVIRONMENT: Final = SettingsConfigDict(
    env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
)

_NAMES_A_SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)


def json_document(value: Any) -> Any:
    """Parse a setting that is written as JSON in the environment."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('not JSON; write an object as {"name": "value"}, a list as ["a", "b"]') from None


def not_empty(value: Any) -> Any:
    """Refuse an empty text in the place of a folder or a name."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("empty; give a folder (. is the current one), or unset the variable")
    return value


def one_line(text: str) -> str:
    """Return a line of text without blanks around it."""
    if not text.strip() or not text.isprintable():
        raise ValueError("it must be one line of text, and not empty")
    return text.strip()


def hex_key(key: SecretStr) -> SecretStr:
    """Refuse a key that is not 32 bytes or more in hex digits."""
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){32,}", key.get_secret_value()):
        raise ValueError("it must be 64 hex digits or more (openssl rand -hex 32)")
    return key


Json = (NoDecode, BeforeValidator(json_document))
NotEmpty = BeforeValidator(not_empty)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone; what a name server says of it does not count."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def masked_url(url: str) -> str:
    """Return ``url`` without its password and without the values of options that name a secret."""
    if "://" not in url:
        return url
    from sqlalchemy.engine import make_url  # inside: rules import this module and need no database

    parsed = make_url(url)
    secrets = {name: "..." for name in parsed.query if _NAMES_A_SECRET.search(name)}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True)
