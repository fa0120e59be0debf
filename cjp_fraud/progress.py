"""How an operation tells its caller how far it is: each caller shows it in its own way, or not at all."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int, str], None]
"""Called with what is done, what there is to do in total, and what is being done now."""
