"""The detector on a simulated cloud, beside simpler ones: ``python -m benchmarks.detection``."""
