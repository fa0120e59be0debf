"""What pip installs is whole: migrations, templates, sample; not only the checkout works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_an_installed_copy_makes_its_database_and_verifies_its_log(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "installed"
    ignored = shutil.ignore_patterns(
        ".*", "var", "build", "*.egg-info", "__pycache__", "tests", "requirements"
    )
    shutil.copytree(REPOSITORY, source, ignore=ignored)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", target, source], check=True, capture_output=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CJP_FRAUD_")}
    environment |= {"PYTHONPATH": str(target), "CJP_FRAUD_HOME": str(tmp_path / "home")}
    script = (
        "import sys, cjp_fraud;"
        f"assert cjp_fraud.__file__.startswith({str(target)!r}), cjp_fraud.__file__;"
        "from cjp_fraud.cli.main import main; main()"
    )
    for words in (["init"], ["users", "list"], ["audit", "verify"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    package = target / "cjp_fraud"
    for file in (
        "traffic/sample/traffic.csv.gz",
        "notices/templates/suspension.txt",
        "notices/locales/ja/LC_MESSAGES/letters.po",
        "notices/locales/ja/LC_MESSAGES/page.po",
        "web/static/style.css",
        "web/templates/notice.html",
        "py.typed",
    ):
        assert (package / file).exists(), file
