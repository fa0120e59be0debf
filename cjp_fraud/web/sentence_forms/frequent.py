"""The sentences that pages say the most often: who may, claims, approvals, cases of one cause, passwords."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    # who may, and who took part
    _("it needs the role %(roles)s, which %(name)s does not have"),
    _("%(name)s took part in this case (%(parts)s); somebody who took no part must decide"),
    _("%(name)s took part in the case"),
    _("%(name)s determined the fraud; another person must approve"),
    _("%(name)s edited the tenant's addresses or terms in the last 30 days"),
    _("%(name)s is not an approver"),
    _("%(name)s is not a reviewer"),
    _("%(name)s is not an admin"),
    _("%(name)s is an auditor, who reads all and changes nothing"),
    _("%(name)s is neither an analyst nor a reviewer"),
    _("%(name)s is neither analyst, reviewer, approver nor counsel"),
    _("%(what)s was made less than 24 hours before"),
    _("%(what)s was made by somebody who took part in the case, or goes back to them"),
    _("%(name)s approved the proposal in force; a comment would be taking part and void the approval"),
    # claims
    _("%(name)s holds it; only its holder or a reviewer may"),
    _("%(name)s holds it since %(moment)s"),
    _("%(name)s holds it already"),
    _("it is %(state)s; only open cases and those in review are claimed"),
    _("it is %(state)s; only a case in review is released"),
    _("it is %(state)s; only a case in review is handed over"),
    _("it is %(state)s; only a case in review is put aside"),
    _("the comment is empty"),
    _("nobody is called @%(name)s"),
    # two at once
    _("the case has changed since this page was made; look at what changed and send it again"),
    _("nobody is signed in any more: sign in, and send it again"),
    # approval
    _("no determination of fraud is on record"),
    _("the approval is of another version of the proposal"),
    _("type the code of your authenticator: the last is older than %(minutes)s minute(s)"),
    _("the code does not fit, or it was used before; wait for the next one"),
    # one cause, many cases
    _("give the reasons"),
    _("none of its cases can be dismissed together"),
    _("it is %(count)s case(s) now, and other ones than the %(shown)s that were shown; look again"),
    _("it is %(state)s; only what is undecided is dismissed together"),
    _("fraud was determined on it before; decide it by itself"),
    _("%(some)s of its %(all)s flag(s) lie outside of the event; decide it by itself"),
    _("its flags were taken back; decide it by itself"),
    _("%(name)s took part in it before entering the event; decide it by itself"),
    _("%(name)s holds it"),
    _("%(name)s put it aside and comes back to it"),
    _("it was undone before"),
    _("something happened on it since it was dismissed"),
    # charts that are not drawn
    _("no rows of flagged intervals are there"),
    _("%(count)s more flagged series are in the evidence"),
    _("the lake has no traffic of the same time in the weeks before"),
    _("the source does not say where the contacts went"),
    # passwords
    _("it has %(count)s characters; it must have %(least)s or more"),
    _("it repeats the same few characters"),
    _("it is a sequence of characters in their order"),
    _("it holds the user name"),
    _("it is one of those that are tried first"),
)
"""The more particular before the more general: the first that fits says it."""
