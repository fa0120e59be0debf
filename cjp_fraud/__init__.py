"""Find unusual spikes in tenants' usage, review them, serve the notice, suspend, and prove every step."""

from importlib.metadata import version

__version__ = version("cjp-fraud")
