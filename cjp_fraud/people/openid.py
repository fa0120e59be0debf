"""Sign-in by an OpenID Connect provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from cryptography.fernet import Fernet, InvalidToken

from cjp_fraud.config import Settings
from cjp_fraud.config_values import is_loopback
from cjp_fraud.errors import BadInputError, StorageError

LASTS: Final = timedelta(minutes=10)
"""Within what time somebody comes back from the provider."""

_LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""

_TIMEOUT: Final = 10.0
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


class NotVouchedFor(BadInputError):
    """What came back proves nothing: it was not asked for here, is too old, or is not of the provider."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What this browser was sent to the provider with; sealed, it is kept by the browser."""

    state: str
    nonce: str
    code_verifier: str
    leads_to: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it describes itself.

    Parameters
    ----------
    document : OpenID Connect Discovery 1.0, section 3.
    """

    settings: Settings
    document: dict[str, Any]

    @classmethod
    def discovered(cls, settings: Settings) -> Provider:
        """Ask the provider of the settings what it is.

        Raises
        ------
        BadInputError
            If none is set, or the settings do not fit together.
        StorageError
            If it does not answer, or is another one than it says.
        """
        issuer, redirect = settings.oidc_issuer, settings.oidc_redirect_url
        if issuer is None or redirect is None:
            raise BadInputError("set both CJP_FRAUD_OIDC_ISSUER and CJP_FRAUD_OIDC_REDIRECT_URL")
        for name, url in (("CJP_FRAUD_OIDC_ISSUER", issuer), ("CJP_FRAUD_OIDC_REDIRECT_URL", redirect)):
            parts = urlsplit(url)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                raise BadInputError(f"{name} must be https, or http on this machine")
        document = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise StorageError(f"the provider says that it is {document.get('issuer')!r}, and not {issuer!r}")
        return cls(settings, document)

    def ask(self, leads_to: str, *, again: bool = False) -> tuple[str, Asked]:
        """Return where a browser is led to sign in, and what it must come back with.

        Parameters
        ----------
        again : whether the provider shall authenticate the person anew, though it knows them (``prompt``, ``max_age``).
        """
        asked = Asked(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), leads_to
        )
        further = {"acr_values": " ".join(self.settings.oidc_acr)} if self.settings.oidc_acr else {}
        if again:
            further |= {"prompt": "login", "max_age": "0"}
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=asked.state,
                nonce=asked.nonce,
                code_verifier=asked.code_verifier,
                **further,
            )
        return str(url), asked

    def redeem(self, asked: Asked, state: str, code: str) -> dict[str, Any]:
        """Return the claims of the ID token that a code is good for.

        Raises
        ------
        NotVouchedFor
            If the state is not the one that was asked with, or the token is not the provider's, for us, of now, and
            for what was asked.
        StorageError
            If the provider does not answer.
        """
        from authlib.integrations.base_client import OAuthError

        if not secrets.compare_digest(asked.state.encode(), state.encode()):
            raise NotVouchedFor("the answer is not to what this browser asked")
        try:
            with self._client() as client:
                token = client.fetch_token(
                    self._endpoint("token_endpoint"), code=code, code_verifier=asked.code_verifier
                )
        except OAuthError as error:
            raise NotVouchedFor(f"the provider does not take the code: {error.error}") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2"):
                raise
            raise StorageError(f"the provider did not answer: {error}") from error
        return self._claims(str(token.get("id_token") or ""), asked)

    def _claims(self, id_token: str, asked: Asked) -> dict[str, Any]:
        """Verify an ID token as OpenID Connect Core, section 3.1.3.7, says, and return its claims."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        client_id = self.settings.oidc_client_id
        try:
            keys = KeySet.import_key_set(_json(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            claims = jwt.decode(id_token, keys, algorithms=list(_ALGORITHMS)).claims
            registry = jwt.JWTClaimsRegistry(
                leeway=_LEEWAY,
                iss={"essential": True, "value": self.document["issuer"]},
                aud={"essential": True, "value": client_id},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": asked.nonce},
                sub={"essential": True},
            )
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise NotVouchedFor(f"the ID token does not count: {error}") from error
        if claims.get("azp", client_id) != client_id:
            raise NotVouchedFor("the ID token was made for another client")
        if self.settings.oidc_acr and claims.get("acr") not in self.settings.oidc_acr:
            raise NotVouchedFor("the provider did not authenticate in a way that is asked for (acr)")
        return dict(claims)

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        secret = self.settings.oidc_client_secret
        return OAuth2Client(
            client_id=self.settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret is not None else None,
            token_endpoint_auth_method="client_secret_basic" if secret is not None else "none",
            redirect_uri=self.settings.oidc_redirect_url,
            scope="openid profile email",
            code_challenge_method="S256",
            timeout=_TIMEOUT,
        )

    def _endpoint(self, name: str) -> str:
        url = self.document.get(name)
        if not isinstance(url, str):
            raise StorageError(f"the provider names no {name}")
        return url


def authenticated_ago(claims: Mapping[str, Any], by_machine: datetime) -> timedelta:
    """Return how long ago the provider authenticated whom the claims mean (``auth_time``); for ever if it does not say.

    A provider that is asked to authenticate anew (``max_age``) must say so (OpenID Connect Core, section 3.1.2.1); one
    that is not asked may know the person from a session of yesterday.

    Parameters
    ----------
    by_machine : now, by the machine's clock.
    """
    at = claims.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, int | float):
        return timedelta.max
    return timedelta(seconds=max(by_machine.timestamp() - at, 0.0))


def sealed(key: Fernet, asked: Asked) -> str:
    """Return what was asked in a form that the browser keeps and can neither read nor change."""
    return key.encrypt(json.dumps(asdict(asked)).encode()).decode("ascii")


def opened(key: Fernet, kept: str) -> Asked:
    """Return what was asked.

    Raises
    ------
    NotVouchedFor
        If it was not sealed here, or too long ago.
    """
    try:
        return Asked(**json.loads(key.decrypt(kept.encode(), ttl=int(LASTS.total_seconds()))))
    except (InvalidToken, ValueError, TypeError):
        raise NotVouchedFor(
            "the sign-in took too long, or did not begin in this browser; try again"
        ) from None


def _json(url: str) -> dict[str, Any]:
    try:
        answer = httpx.get(url, timeout=_TIMEOUT)
        answer.raise_for_status()
        document = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise StorageError(f"the provider did not answer at {url}: {error}") from error
    if not isinstance(document, dict):
        raise StorageError(f"the provider answered at {url} with what is no description")
    return document
