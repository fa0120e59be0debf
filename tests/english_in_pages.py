"""What of a page is marked as English: on a page in another language, only what people and documents say may be."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final

from fastapi.testclient import TestClient

_ALONE: Final = {"input", "img", "br", "link", "meta", "source", "hr"}
_OF_DOCUMENTS: Final = {"letter", "technical"}
"""Classes of what stands as it is: a letter word for word; the log's own fields, and messages of a failure."""

_LED_TO: Final = re.compile(
    r"/(?:cases/\d+|tenants/[^/?]+|bulk/[\w/-]+|quality/readings/[\w-]+|contracts\?.*|disputes|shift|ledger)"
)

FIRST_PAGES: Final = (
    *(
        "/queue",
        "/queue?state=closed",
        "/bulk",
        "/shift",
        "/disputes",
        "/ledger",
        "/models",
        "/quality",
        "/audit",
    ),
    *("/admin", "/admin/thresholds", "/contracts", "/contracts/consents", "/tokens", "/settings", "/tenants"),
    "/known-events",
)


class _Marked(HTMLParser):
    """Collects the texts inside of elements that are marked as English."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = set((given.get("class") or "").split())
        above = self._open[-1] if self._open else ("", False, False)
        language = given.get("lang")
        english = above[1] if language is None else language == "en"
        left_out = (
            above[2] or bool(classes & _OF_DOCUMENTS) or (tag == "option" and given.get("value") == "en")
        )
        if tag not in _ALONE:
            self._open.append((tag, english, left_out))
        elif english and not left_out and given.get("alt"):
            self.found.append(str(given["alt"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content, as in a picture: nothing is read in it."""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][1] and not self._open[-1][2] and data.strip():
            self.found.append(" ".join(data.split()))


def marked_as_english(page: str) -> list[str]:
    """Return the texts of a page that are marked as English and that neither a letter nor the log says."""
    parser = _Marked()
    parser.feed(page)
    return parser.found


def english_behind(browser: TestClient, *first: str) -> tuple[dict[str, list[str]], set[str]]:
    """Walk the pages that these ones lead to; return what of each is marked as English, and all that were walked."""
    waiting, seen = list(first), set[str]()
    found: dict[str, list[str]] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = browser.get(path)
        seen.add(path)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert answer.status_code in (200, 403), path
        assert '<html lang="fr">' in answer.text, path
        if marked := marked_as_english(answer.text):
            found[path] = marked
        links = {unescape(link).partition("#")[0] for link in re.findall(r'href="(/[^"]*)"', answer.text)}
        waiting += [link for link in links if _LED_TO.fullmatch(link)]
        waiting += [f"{link}/charts" for link in links if re.fullmatch(r"/cases/\d+", link)]
    return found, seen
