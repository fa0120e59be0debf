"""Headers that every answer bears: nothing from elsewhere, no frames, no referrer, nothing kept by caches."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_STAFF_POLICY: Final = f"{_POLICY}; script-src 'self'; connect-src 'self'"
"""The staff's pages have scripts of our own files; the customer's has none."""

_POLICY_OF_FILES: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""A file that is to be kept may do nothing, should a browser show it all the same."""

NOTICES: Final = "/n/"
"""Where the customers' pages are."""

_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}

STATIC: Final = "/static/"


class SecurityHeaders:
    """Adds the headers to every answer of an application; style sheets may be kept an hour, all else not at all.

    Parameters
    ----------
    https : whether the page is reached over https alone, so that browsers are told to insist on it.
    staff : whether the application has pages for staff beside those for customers.
    """

    def __init__(self, app: ASGIApp, *, https: bool, staff: bool = False) -> None:
        self.app = app
        self.https = https
        self.staff = staff

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if self.staff and not scope["path"].startswith(NOTICES):
                    headers["Content-Security-Policy"] = _STAFF_POLICY
                    # Without it browsers send no Origin with our forms.
                    headers["Referrer-Policy"] = "same-origin"
                if headers.get("Content-Disposition", "").startswith("attachment"):
                    headers["Content-Security-Policy"] = _POLICY_OF_FILES
                is_style = scope["path"].startswith(STATIC) and message["status"] == 200
                headers["Cache-Control"] = "max-age=3600" if is_style else "no-store"
                if self.https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, send_with_headers)
