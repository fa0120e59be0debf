"""The provider's settings on which decisions on cases depend."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.offer_catalogue import OfferCatalogue, offers_with, shipped_offers
from cjp_fraud.notices.letter_facts import Sender

if TYPE_CHECKING:
    from cjp_fraud.config import Settings


_UNNAMED: Final = Sender("The provider", "notices@cjp-fraud.invalid")


@dataclass(frozen=True, slots=True)
class ProviderPolicy:
    """The provider's settings on which decisions depend.

    Parameters
    ----------
    mode : whether measures are taken, or only observed.
    proposal_expires : how long after it was drawn up a proposal may be approved.
    measure_review : after how long a measure is reviewed, and how long it lasts where nobody says otherwise.
    sender : who writes the letters, and how a dispute reaches them.
    fresh : how long approval and notice together permit a measure.
    methods : methods by which the deployment serves notices; None: not known here, and dispatch refuses what it cannot.
    offers : versions of the offer description, with which a service is compared.
    """

    mode: PlatformMode = PlatformMode.OBSERVE
    proposal_expires: timedelta = timedelta(hours=72)
    measure_review: timedelta = timedelta(hours=72)
    sender: Sender = _UNNAMED
    fresh: timedelta = timedelta(hours=72)
    methods: frozenset[str] | None = None
    offers: OfferCatalogue = field(default_factory=shipped_offers)

    @classmethod
    def of(cls, settings: Settings, methods: frozenset[str] | None = None) -> Self:
        """Return the policy that the settings describe.

        Raises
        ------
        BadInputError
            If the folder of own offers, or a file of it, cannot be used.
        """
        return cls(
            mode=settings.platform_mode,
            proposal_expires=timedelta(hours=settings.proposal_expires_hours),
            measure_review=timedelta(hours=settings.measure_review_hours),
            sender=Sender(
                legal_name=settings.sender_legal_name,
                reply_to=settings.mail_from,
                contact=settings.contact,
                dispute_days=settings.dispute_days,
                answer_hours=settings.dispute_answer_hours,
            ),
            fresh=settings.fresh,
            methods=methods,
            offers=offers_with(settings.offers_dir),
        )
