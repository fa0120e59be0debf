"""Pictures of the review queue for docs/review-queue.md: ``python scripts/screenshots.py``.

Makes the queue of ``cjp-fraud serve --demo`` in a temporary folder, serves it on this machine, signs rosa in with
Chromium, and writes a picture of each page below into ``docs/review-queue/``.
"""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from cjp_fraud.clock import machine_now
from cjp_fraud.operations.demo_queue import DemoQueue, make_demo_queue
from cjp_fraud.simulation.demo import demo_settings, prepare_home
from cjp_fraud.simulation.mail_sink import running_mail_sink
from cjp_fraud.web.application import queue_application

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs" / "review-queue"
WIDE: Final = (1280, 860)
PHONE: Final = (390, 844)
_ALL_THERE: Final = """[...document.images]
    .filter((image) => image.getBoundingClientRect().top < innerHeight)
    .every((image) => image.complete && image.naturalWidth)"""


@contextmanager
def served(queue: DemoQueue) -> Iterator[str]:
    """Serve the queue on a free port of this machine and yield its root."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(queue_application(queue.deployment), log_level="warning", access_log=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def signed_in(browser: Browser, root: str, queue: DemoQueue) -> Page:
    """Return a page on which rosa has signed in."""
    rosa = next(person for person in queue.sign_ins if person.name == "rosa")
    page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
    page.goto(f"{root}/sign-in")
    page.fill("[name=name]", rosa.name)
    page.fill("[name=password]", rosa.password)
    page.click("main button")
    page.fill("[name=code]", rosa.codes(machine_now())[0][1])
    page.click("main button")
    page.wait_for_url(f"{root}/queue")
    return page


def case_in(page: Page, root: str, state: str) -> str:
    """Return the path of the first case in a state."""
    page.goto(f"{root}/queue?state={state}")
    found = re.search(r'<th scope="row" class="n"><a href="(/cases/\d+)"', page.content())
    assert found is not None, f"the demo has no case that is {state}"
    return found[1]


def wait_for_pictures(page: Page) -> None:
    """Wait until the pictures that can be seen are there: a chart is drawn when it is first asked for."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        page.wait_for_timeout(1_000)
        if page.evaluate(_ALL_THERE):
            return
    raise TimeoutError(f"{page.url}: a picture did not come within 90 s")


def main() -> None:
    """Make the queue, open the pages, write the pictures."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    with tempfile.TemporaryDirectory() as folder, running_mail_sink() as sink, demo_settings(sink.port):
        home = Path(folder) / "home"
        prepare_home(home)
        queue = make_demo_queue(home, lambda step: print(step, flush=True))
        with served(queue) as root, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
            page = signed_in(browser, root, queue)
            for name, path, size, scheme in (
                ("queue", "/queue", WIDE, "light"),
                ("case", case_in(page, root, "open"), (1280, 1500), "light"),
                ("proposed", case_in(page, root, "determined"), (1280, 1200), "light"),
                ("suspended", case_in(page, root, "suspended"), PHONE, "dark"),
            ):
                page.set_viewport_size({"width": size[0], "height": size[1]})
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.goto(root + path)
                page.locator("[data-part]").first.wait_for(state="detached", timeout=120_000)
                wait_for_pictures(page)
                page.screenshot(path=PICTURES / f"{name}.png")
            browser.close()


if __name__ == "__main__":
    main()
