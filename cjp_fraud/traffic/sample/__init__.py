"""Ten real volume series (Numenta Anomaly Benchmark, MIT licence), for the demo and the tests."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def sample_traffic_path() -> Path:
    """Return the sample's traffic: ten tenants, 5-minute counts, February to April 2015 (gzipped CSV)."""
    return FOLDER / "traffic.csv.gz"


def sample_tenants_path() -> Path:
    """Return the sample's tenants file."""
    return FOLDER / "tenants.csv"
