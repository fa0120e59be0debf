"""Codes of the second factor: time-based one-time passwords (RFC 6238: SHA-1, six digits, half a minute)."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
DRIFT: Final = 1
"""Half minutes by which a telephone's clock may be wrong, before and after."""

ISSUER: Final = "cjp-fraud"


def new_secret() -> str:
    """Return a secret of 160 bits, base32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, user_name: str) -> str:
    """Return what an authenticator reads from the QR code (``otpauth://``)."""
    return pyotp.TOTP(secret).provisioning_uri(name=user_name, issuer_name=ISSUER)


def accepted_step(secret: str, code: str, at: datetime, last_step: int | None) -> int | None:
    """Return the half minute, counted from 1970, whose code was typed; None: none that may be taken.

    Parameters
    ----------
    code : as typed; blanks do not matter.
    at : aware, by a clock that telephones agree with.
    last_step : of the last code that was taken; it and those before it are taken no more (RFC 6238, section 5.2).
    """
    typed = "".join(code.split())
    now = int(at.timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(secret)
    accepted = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        fits = hmac.compare_digest(generator.generate_otp(step).encode(), typed.encode())
        if fits and (last_step is None or step > last_step):
            accepted = step
    return accepted
