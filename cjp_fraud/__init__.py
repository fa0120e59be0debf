"""Find unusual spikes in tenants' usage, review them, serve the notice, suspend, and prove every step."""

__version__ = "0.1.0"
