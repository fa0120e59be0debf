"""Find unusual spikes in tenants' usage, review them, serve the notice, suspend, and prove every step."""

import os

__version__ = "0.1.0"

# Arrow reads this when it is loaded. Its own allocator keeps what it has freed: a delivery of 200 MB takes a third
# more memory with it, and is no faster.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
