"""Which methods of the notice terms a deployment can serve by; a pure rule."""

from __future__ import annotations

from collections.abc import Collection

from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.contracts.terms import SERVED_FORMS, MethodRule, NoticeTerms


def why_not_served(rule: MethodRule, methods: Collection[str] | None) -> str | None:
    """Return why a method of the terms cannot be served; None: it can.

    Parameters
    ----------
    methods : by which the deployment serves; None: all that contracts may name.
    """
    named = [rule.method, *([rule.follow_up.method] if rule.follow_up is not None else [])]
    for method in named:
        if methods is not None and method not in methods:
            return f"this deployment does not serve by {method}"
    forms = () if isinstance(rule.form, Unstated) else rule.form
    missing = [form for form in forms if form not in SERVED_FORMS]
    return f"this deployment makes no notice of the form {missing[0]} ({rule.method})" if missing else None


def methods_not_served(terms: NoticeTerms, methods: Collection[str] | None) -> tuple[str, ...]:
    """Return what keeps steps of the terms from being completed, a sentence each; none: each can be.

    A step for which one method is enough is served by those that can be; the others are passed over.

    Parameters
    ----------
    methods : see :func:`why_not_served`.
    """
    sentences = []
    for step in terms.steps:
        places = step.sufficient if step.any_of else range(len(step.methods))
        faults = [why_not_served(step.methods[place], methods) for place in places]
        if all(faults) if step.any_of else any(faults):
            sentences += [
                f"step {step.number} of the notice: {fault}" for fault in faults if fault is not None
            ]
    return tuple(dict.fromkeys(sentences))
