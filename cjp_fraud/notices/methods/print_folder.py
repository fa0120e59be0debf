"""A folder from which a printer takes letters: a PDF each, and a line of the manifest, which names its digest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cjp_fraud.clock import Clock, utc_text
from cjp_fraud.notices.methods.letter import HandedOver, PrintJob
from cjp_fraud.notices.model import Outcome
from cjp_fraud.storage.whole_files import write_whole

MANIFEST: Final = "manifest.jsonl"
EVENTS: Final = "events.jsonl"
"""Where the printer writes what the carrier has seen, a line an event, with the key of its letter."""


@dataclass(frozen=True, slots=True)
class PrintFolder:
    """The folder; it must be there, so that a drive that is not mounted defers letters and loses none."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder, in a few words."""
        return "print folder"

    def print(self, job: PrintJob, clock: Clock) -> HandedOver:
        """Write the PDF, then its line: a line in the manifest names a file that is whole.

        The same job again writes nothing: its key stands in the manifest.
        """
        if not self.folder.is_dir():
            return HandedOver(Outcome.DEFERRED, (f"there is no folder {self.folder.name}",))
        file = f"{job.key}.pdf"
        try:
            if any(line.get("key") == job.key for line in lines_of(self.folder / MANIFEST)):
                return HandedOver(Outcome.SENT, (f"{file} was handed over before",))
            write_whole(self.folder / file, job.content)
            _append(self.folder / MANIFEST, _line(job, file, clock))
        except OSError as error:
            return HandedOver(Outcome.DEFERRED, (f"{file} could not be written: {error.strerror}",))
        return HandedOver(Outcome.SENT, (f"{file} written, and its line in {MANIFEST}",))

    def events(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Return what the printer wrote of a letter into its file of events."""
        return [line for line in lines_of(self.folder / EVENTS) if line.get("key") == key]


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of JSON lines; one that a dying process left unfinished is passed over."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _line(job: PrintJob, file: str, clock: Clock) -> dict[str, Any]:
    return {
        "key": job.key,
        "notice": job.notice_id,
        "file": file,
        "sha256": job.sha256,
        "bytes": len(job.content),
        "pages": job.pages,
        "class": job.postal_class,
        "address": list(job.lines),
        "country": job.country,
        "handed_over_at": utc_text(clock.now()),
    }


def _append(file: Path, line: dict[str, Any]) -> None:
    """Append one line in one write, on a line of its own whatever stands before it."""
    begun = file.exists() and file.read_bytes()[-1:] not in (b"", b"\n")
    text = ("\n" if begun else "") + json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n"
    with file.open("ab") as out:
        out.write(text.encode())
        out.flush()
        os.fsync(out.fileno())
