"""What a contract says of measures beside how they are noticed, a sentence each: for whoever plans one; pure."""

from __future__ import annotations

from cjp_fraud.contracts.contract_terms import ConditionalNotice, ContractTerms, LiftRule, LiftWhen
from cjp_fraud.contracts.stated import Unstated

_LIFT_WORDS = {
    LiftWhen.UNTIL_CORRECTED: "the measure may last until its cause is corrected",
    LiftWhen.PROMPTLY: "the measure is lifted promptly once its cause is gone",
    LiftWhen.ONLY_IF_RESOLVED: "the measure is lifted once the customer has resolved its cause",
}


def beside_the_notice(terms: ContractTerms) -> tuple[str, ...]:
    """Return what binds a measure beside its notice; what the contract does not state is left out."""
    sentences = [*_conditional(terms), *_grounds(terms)]
    if terms.narrowest_measure is True:
        sentences.append("the contract asks for the narrowest measure: a wider one needs its reason")
    if isinstance(terms.lift, LiftRule):
        sentences.append(f"{_LIFT_WORDS[terms.lift.when]}, {_within(terms.lift)} (measures corrected)")
    if not isinstance(terms.longest_measure, Unstated):
        sentences.append(f"a measure lasts {terms.longest_measure} at most, and lapses by itself")
    if terms.filing_stops is True:
        sentences.append("a dispute that is filed stops a measure, also one in force")
    elif terms.filing_stops is False:
        sentences.append("a dispute that is only filed stops no measure")
    if not isinstance(terms.law, Unstated):
        sentences.append(f"governing law: {terms.law}")
    if not isinstance(terms.to_provider, Unstated):
        sentences.append(f"the customer serves the provider by: {terms.to_provider}")
    return tuple(sentences)


def _conditional(terms: ContractTerms) -> list[str]:
    said = terms.conditional_notice
    if not isinstance(said, ConditionalNotice) or said.allowed is not True:
        return []
    counts = (
        "and is then the notice that the measure needs"
        if said.suffices is True
        else "and does not take the place of the notice that the measure needs"
    )
    return [f"a conditional notice may go out before the determination (cases warn), {counts}"]


def _grounds(terms: ContractTerms) -> list[str]:
    entries = () if isinstance(terms.without_notice, Unstated) else terms.without_notice
    return [
        f"on the ground {entry.ground!r} no prior notice is needed; the customer is told "
        + ("at once" if isinstance(entry.notice_after, Unstated) else f"within {entry.notice_after} after")
        for entry in entries
    ]


def _within(rule: LiftRule) -> str:
    return "at once" if isinstance(rule.within, Unstated) else f"within {rule.within}"
