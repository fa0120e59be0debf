"""What letters say that a measure restricts: a phrase in a language, out of its catalogue."""

from __future__ import annotations

from typing import Final

from cjp_fraud.contracts.restriction import CHANNELS, DIRECTIONS, MeasureKind, Scope
from cjp_fraud.notices.letter_catalogues import Words, words
from cjp_fraud.notices.letter_traffic import channel_in_words, direction_in_words
from cjp_fraud.notices.letter_words import enumerated
from cjp_fraud.notices.principal_names import is_secret, last_characters


def measure_in_words(kind: MeasureKind, scope: Scope, language: str) -> str:
    """Return what a measure restricts, as a line of a letter."""
    said = words(language)
    channels = [channel_in_words(name, said) for name in scope.channels]
    parts = _limits(kind, scope, channels, said)
    limits = said.gettext(" (%(parts)s only)", parts=", ".join(parts)) if parts else ""
    return _MEASURES[kind](said, scope, channels, limits)


def _limits(kind: MeasureKind, scope: Scope, channels: list[str], said: Words) -> list[str]:
    """Return to what a measure is limited, beside what its kind names itself."""
    limits = []
    if kind is not MeasureKind.SUSPEND_CHANNEL and channels and set(scope.channels) != set(CHANNELS):
        names = enumerated(channels, said.locale)
        limits.append(said.ngettext("%(names)s channel", "%(names)s channels", len(channels), names=names))
    if scope.directions and set(scope.directions) != set(DIRECTIONS):
        limits += [
            said.pgettext("limit", "%(direction)s", direction=direction_in_words(name, said))
            for name in scope.directions
        ]
    if kind is not MeasureKind.SUSPEND_APPLICATION and scope.application_ids:
        names = enumerated(scope.application_ids, said.locale)
        limits.append(
            said.ngettext(
                "application %(names)s", "applications %(names)s", len(scope.application_ids), names=names
            )
        )
    return limits


def _block_destinations(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.gettext(
        "Block on calls and messages to numbers that begin with %(destination_prefixes)s%(limits)s.",
        destination_prefixes=enumerated(scope.destination_prefixes, said.locale, "or"),
        limits=limits,
    )


def _limit_origins(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.gettext(
        "Refusal of calls and messages from %(origins)s%(limits)s.",
        origins=enumerated(scope.origins, said.locale, "or"),
        limits=limits,
    )


def _limit_rate(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Limit of one contact an hour%(limits)s.",
        "Limit of %(n)s contacts an hour%(limits)s.",
        scope.contacts_per_hour or 0,
        limits=limits,
    )


def _suspend_principal(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the access of the user, credential or key %(principals)s%(limits)s.",
        "Suspension of the access of %(n)s users, credentials or keys: %(principals)s%(limits)s.",
        len(scope.principal_ids),
        principals=enumerated([_principal(each, said) for each in scope.principal_ids], said.locale),
        limits=limits,
    )


def _suspend_application(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the access of the application %(application_ids)s%(limits)s.",
        "Suspension of the access of the applications %(application_ids)s%(limits)s.",
        len(scope.application_ids),
        application_ids=enumerated(scope.application_ids, said.locale),
        limits=limits,
    )


def _suspend_channel(said: Words, _scope: Scope, channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the %(channels)s channel%(limits)s.",
        "Suspension of the %(channels)s channels%(limits)s.",
        len(channels),
        channels=enumerated(channels, said.locale),
        limits=limits,
    )


def _suspend_all_access(said: Words, _scope: Scope, _channels: list[str], _limits: str) -> str:
    return said.gettext("Suspension of all access to the service.")


_MEASURES: Final = {
    MeasureKind.BLOCK_DESTINATIONS: _block_destinations,
    MeasureKind.LIMIT_ORIGINS: _limit_origins,
    MeasureKind.LIMIT_RATE: _limit_rate,
    MeasureKind.SUSPEND_PRINCIPAL: _suspend_principal,
    MeasureKind.SUSPEND_APPLICATION: _suspend_application,
    MeasureKind.SUSPEND_CHANNEL: _suspend_channel,
    MeasureKind.SUSPEND_ALL_ACCESS: _suspend_all_access,
}


def _principal(principal_id: str, said: Words) -> str:
    """Return a user, a credential or a key as the customer knows it; of a secret the last characters."""
    if not is_secret(principal_id):
        return principal_id
    return said.gettext("ending in “%(last)s”", last=last_characters(principal_id))
