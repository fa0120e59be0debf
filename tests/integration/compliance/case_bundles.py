"""Evidence bundles of a test's case, and the files in them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from cjp_fraud.compliance.export import Exported, export_evidence
from cjp_fraud.people.model import machine

if TYPE_CHECKING:
    from tests.integration.compliance.conftest import CaseSteps

EXPORTER = machine("account-of-this-machine")


def exported(steps: CaseSteps, name: str = "bundle.zip") -> Exported:
    return export_evidence(steps.engine, steps.case_id, steps.folder / name, EXPORTER, steps.tick())


def files_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
