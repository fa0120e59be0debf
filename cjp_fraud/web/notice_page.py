"""The customer's notice page: a GET shows and changes nothing; whatever changes something is a POST.

Works without a script. Whoever has the link learns that a notice exists; everything else needs a code.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations import notice_page, notice_page_disputes
from cjp_fraud.operations.notice_page_views import Door
from cjp_fraud.review.model import LONGEST_WORDS
from cjp_fraud.web.client_limit import Allowance, ClientLimit
from cjp_fraud.web.forms import FORM_PROOF, posted_form, posted_words, proof_fits
from cjp_fraud.web.rendering import render

COOKIE: Final = "notice_visit"

_STATUS: Final = {
    Door.OPEN: 200,
    Door.CLOSED: 200,
    Door.UNKNOWN: 404,
    Door.EXPIRED: 410,
    Door.TOO_MANY: 429,
    Door.WRONG_CODE: 403,
    Door.SPENT_CODE: 403,
    Door.NO_VISIT: 403,
}

_CODE_ID: Final = re.compile(r"[0-9a-f-]{36}")

PostedForm = Annotated[Mapping[str, str], Depends(posted_form)]
PostedWords = Annotated[Mapping[str, str], Depends(posted_words)]


@dataclass(frozen=True)
class NoticePages:
    """The routes of the notice page of a deployment.

    Parameters
    ----------
    limit : how many steps a client may take.
    """

    deployment: Deployment
    limit: ClientLimit

    @property
    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        routes.add_api_route("/n/{token}", self.show, methods=["GET", "HEAD"])
        routes.add_api_route("/n/{token}/code", self.ask_code, methods=["POST"])
        routes.add_api_route("/n/{token}/open", self.open, methods=["POST"])
        routes.add_api_route("/n/{token}/acknowledge", self.acknowledge, methods=["POST"])
        routes.add_api_route("/n/{token}/dispute", self.dispute, methods=["POST"])
        # A page that was posted to and is loaded again, or a link with one of these paths, leads to the page itself.
        for step in ("code", "open", "acknowledge", "dispute"):
            routes.add_api_route(f"/n/{{token}}/{step}", self.back, methods=["GET", "HEAD"])
        return routes

    def show(self, request: Request, token: str, code: str = "") -> Response:
        """Show what the visitor may see."""
        return self._page(request, token, code_id=code)

    def back(self, token: str) -> Response:
        """Lead to the page."""
        return self._to_the_page(token)

    def ask_code(
        self, request: Request, token: str, form: PostedForm, after_answer: BackgroundTasks
    ) -> Response:
        """Have a code mailed, after the answer: so how long it takes tells nobody whether an address is a contact's."""
        if (refusal := self._refusal(request, token, form)) is not None:
            return refusal
        now = self.deployment.now
        asked = notice_page.ask_code(self.deployment, now, token, form.get("address", ""), _client(request))
        if asked.code_id is None:
            return self._page(request, token, door=asked.door)
        if asked.to_send is not None:
            after_answer.add_task(notice_page.send_code, self.deployment, now, asked.to_send)
        return self._to_the_page(token, f"?code={asked.code_id}")

    def open(self, request: Request, token: str, form: PostedForm) -> Response:
        """Open the page with a code."""
        if (refusal := self._refusal(request, token, form)) is not None:
            return refusal
        code_id = form.get("code_id", "")
        opened = notice_page.open_page(
            self.deployment, self.deployment.now, token, code_id, form.get("code", ""), _client(request)
        )
        if opened.session is None:
            return self._page(request, token, door=opened.door, code_id=code_id)
        response = self._to_the_page(token)
        self._keep(response, token, opened.session)
        return response

    def acknowledge(self, request: Request, token: str, form: PostedForm) -> Response:
        """Put on record that the letter was read."""
        if (refusal := self._refusal(request, token, form)) is not None:
            return refusal
        visit = request.cookies.get(COOKIE)
        done = notice_page.acknowledge(self.deployment, self.deployment.now, token, visit, _client(request))
        return (
            self._to_the_page(token) if done.door is Door.OPEN else self._page(request, token, door=done.door)
        )

    def dispute(
        self, request: Request, token: str, form: PostedWords, after_answer: BackgroundTasks
    ) -> Response:
        """Put on record what a contact says against the letter; what its filing stops is lifted after the answer."""
        if (refusal := self._refusal(request, token, form)) is not None:
            return refusal
        now, visit, words = self.deployment.now, request.cookies.get(COOKIE), form.get("words", "")
        done = notice_page_disputes.dispute(self.deployment, now, token, visit, words, _client(request))
        if done.lift is not None:
            after_answer.add_task(
                notice_page_disputes.lift_what_filing_stops, self.deployment, now, done.lift
            )
        if done.door is not Door.OPEN:
            return self._page(request, token, door=done.door)
        return self._page(request, token, words=words) if done.faults else self._to_the_page(token)

    def _page(
        self,
        request: Request,
        token: str,
        *,
        door: Door | None = None,
        code_id: str = "",
        words: str | None = None,
    ) -> Response:
        """Return the page.

        Parameters
        ----------
        door : what came of a step that was refused.
        words : a customer's, which are no dispute; None: none were sent.
        """
        visit = request.cookies.get(COOKIE)
        page = notice_page.look(self.deployment, self.deployment.now, token, visit)
        if door is not None and page.door is Door.CLOSED:
            page = replace(page, door=door)
        given = visit or secrets.token_urlsafe(32)
        typing_code = bool(_CODE_ID.fullmatch(code_id)) and page.door in (Door.CLOSED, Door.WRONG_CODE)
        html = render(
            "notice.html",
            page.language,
            page=page,
            prefix=self._prefix,
            address=f"{self._prefix}/n/{token}",
            code_id=code_id if typing_code else "",
            proof_name=FORM_PROOF,
            proof=self._proof(given, token),
            doors=Door,
            words=words,
            longest=LONGEST_WORDS,
        )
        response = HTMLResponse(html, _STATUS[page.door] if words is None else 400)
        if visit is None and page.door is not Door.UNKNOWN:
            self._keep(response, token, given)
        return response

    def _refusal(self, request: Request, token: str, form: Mapping[str, str]) -> Response | None:
        """Return the answer to a step that is refused before it is looked at; None: it may be taken."""
        client, now = _client(request), self.deployment.now
        allowance = self.limit.count(client, now)
        if allowance is not Allowance.YES:
            if allowance is Allowance.FIRST_TOO_MANY:
                why = f"more than {self.limit.most} steps; further ones within {self.limit.span} are not recorded"
                notice_page.deny(self.deployment, now, token, client, why)
            return self._page(request, token, door=Door.TOO_MANY)
        visit = request.cookies.get(COOKIE)
        if visit is None or not proof_fits(self._proof(visit, token), form):
            notice_page.deny(
                self.deployment, now, token, client, "a form that is not of a page of this browser"
            )
            return self._page(request, token, door=Door.NO_VISIT)
        return None

    def _proof(self, visit: str, token: str) -> str:
        return notice_page.form_proof(self.deployment, visit, token)

    def _to_the_page(self, token: str, query: str = "") -> RedirectResponse:
        return RedirectResponse(f"{self._prefix}/n/{token}{query}", 303)

    def _keep(self, response: Response, token: str, visit: str) -> None:
        """Let the browser keep what a visit is known by, for this page alone, until it is closed."""
        response.set_cookie(
            COOKIE,
            visit,
            path=f"{self._prefix}/n/{token}",
            secure=is_https(self.deployment),
            httponly=True,
            samesite="lax",
        )

    @property
    def _prefix(self) -> str:
        """Path under which customers reach the page's root; empty where it has a host of its own."""
        return urlsplit(self.deployment.settings.public_url or "").path


def is_https(deployment: Deployment) -> bool:
    """Whether customers reach the page over https."""
    return (deployment.settings.public_url or "").startswith("https:")


def a_client_limit() -> ClientLimit:
    """Return the limit of steps that is in force: 60 within ten minutes."""
    return ClientLimit(60, timedelta(minutes=10))


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"
