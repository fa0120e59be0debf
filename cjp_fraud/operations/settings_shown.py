"""The settings in force as people read them: what each is for, without its secrets."""

from __future__ import annotations

from dataclasses import dataclass

from cjp_fraud.config import Settings
from cjp_fraud.config_values import PREFIX
from cjp_fraud.deployment import Deployment


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting: the variable that sets it, its value in force as text, and what it is for; None: nothing is said."""

    variable: str
    value: str
    meaning: str | None


def settings_in_force(deployment: Deployment) -> tuple[SettingView, ...]:
    """Return every setting by its variable; secrets and passwords in URLs are masked."""
    shown = deployment.settings.shown().model_dump(mode="json")
    return tuple(
        SettingView(
            variable=f"{PREFIX}{name}".upper(),
            value="–" if value is None else str(value),
            meaning=Settings.model_fields[name].description if name in Settings.model_fields else None,
        )
        for name, value in sorted(shown.items())
    )
