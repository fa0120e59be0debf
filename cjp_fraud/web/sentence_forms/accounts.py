"""Why something else was refused: users, roles, signing in, what was typed into a form, models and thresholds."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    # people, roles, accounts
    _("it is a person"),
    _("say in one line of up to 100 characters what the token is for"),
    _("say what the token is good for: %(names)s"),
    _("a token lasts 1 to %(num)s days"),
    _("only a person has tokens"),
    _("%(scope)s needs one of these roles: %(listed_roles)s"),
    _("%(name)s is neither its owner nor an admin"),
    _("a form of this page was sent before with other words; load the page again"),
    _("this form was sent before, and acted once"),
    _("the form is not whole; load the page again"),
    _(
        "%(name)s cannot be a user's name: it is 2 to 64 small letters a-z, digits, '.', '_' or '-', a letter "
        "among them, and does not begin with 'system'; the name that is shown is free (--display-name)"
    ),
    _("%(text)s is no identity; write mail:ADDRESS, account:NAME or machine:ACCOUNT"),
    _("%(text)s is no account; use ASCII letters, digits and . _ - @ \\ / (2 to 200 of them)"),
    _("%(text)s is no mail address in ASCII; write mail:ada@provider.example"),
    _("user %(name)s needs at least one role: %(listed_roles)s"),
    _("user %(name)s exists already; cjp-fraud users list shows the roles"),
    _("say who %(name)s is, so that a person has one user: --identity mail:ADDRESS or account:NAME"),
    _("%(identity)s belongs to user %(name)s: one person is one user"),
    _("%(name)s would say who they are themself; another admin must"),
    _("%(name)s would grant to themself; another admin must"),
    _("%(name)s is the only admin; make another one first"),
    _("user %(name)s was disabled at %(moment)s"),
    _(
        "no user %(name)s is on record; cjp-fraud users create %(name_2)s --role ROLE --identity mail:ADDRESS "
        "makes one"
    ),
    _("an admin decides no case, so the role is not narrowed"),
    _("an auditor reads everything, so the role is not narrowed"),
    _("%(names)s: channels are %(names_2)s"),
    _("%(names)s: countries are two letters each, as FR"),
    _("say which role"),
    _("say in which place they are paged: 1 is first"),
    _("place %(num)s: give 1 to %(num_2)s; 1 is paged first"),
    _("say how they are paged: a webhook, a mail address, or both"),
    _("%(name)s is no reviewer, no approver and not counsel"),
    _("no turn %(id)s is on record; cjp-fraud roster list shows them"),
    _("days are %(names)s, at least one; %(names_2)s given"),
    _("%(zone)s is no time zone; write one as Europe/Paris"),
    _("%(text)s is no time of day; write 08:00"),
    # signing in
    _("this password cannot be used: %(steps)s"),
    _("it has %(count)s characters; it may have %(most)s"),
    _("nobody who may sign in has this account"),
    _("this account was put on record less than 24 hours ago"),
    _("the provider names no account that can be on record"),
    _("the sign-in took too long, or did not begin in this browser; try again"),
    _("the answer is not to what this browser asked"),
    _("the ID token was made for another client"),
    _("the provider did not authenticate in a way that is asked for (acr)"),
    _("the provider did not answer at %(url)s: %(technical)s"),
    _("the provider did not answer: %(technical)s"),
    _("the provider answered at %(url)s with what is no description"),
    _("the provider says that it is %(url)s, and not %(url_2)s"),
    _("the provider does not take the code: %(technical)s"),
    _("the provider names no %(technical)s"),
    _("the ID token does not count: %(technical)s"),
    _("%(setting)s must be https, or http on this machine"),
    _("set both CJP_FRAUD_OIDC_ISSUER and CJP_FRAUD_OIDC_REDIRECT_URL"),
    _("you were authenticated more than %(minutes)s minute(s) ago; sign in at your organisation again"),
    _("too many steps of signing in"),
    _("nothing on record has a NUL in its name; write the address without it"),
    _("%(field)s: this value cannot be used"),
    # tenants and their pages
    _("the lake cannot be read now, and a claims view says what was used; try again later"),
    _(
        "days %(day)s to %(day_2)s: the first comes before the last, neither is after today (%(day_3)s), and "
        "they are %(num)s at most"
    ),
    # models, thresholds, shadows
    _("say why it is promoted anyway (--because TEXT)"),
    _("a reason is kept of a version that is promoted anyway (--anyway)"),
    _("%(said)s (--anyway --because TEXT promotes it all the same)"),
    _("a budget must be above 0"),
    _(
        "threshold %(num)s of the clock %(clock_named)s: give %(num_2)s to %(num_3)s, a score (-log10 p): 3 is "
        "once in 1,000 intervals"
    ),
    _("say why the threshold is set"),
    _("a shadow run lasts %(num)s days at most, and longer than nothing"),
    _("%(num)s days: a shadow run lasts longer than nothing, and 28 days at most"),
    _("shadow run %(id)s goes on; stop it first"),
    _("no shadow run %(id)s is on record; cjp-fraud models shadow list shows them"),
    _("say what is tried: thresholds by clock, or a model version"),
    _("there is no whole UTC day of traffic yet; take some in first: cjp-fraud traffic ingest FILE"),
    _("there is no whole UTC day of scores yet; score some first: cjp-fraud detect"),
    _("on the %(said)s it finds %(percent)s of the frauds, the version in force %(percent_2)s"),
    _("on the %(said)s it has %(num)s false episodes, the version in force %(num_2)s%(rest)s"),
    _("; the budget allows %(num)s"),
    _(
        "%(feature)s has shifted: stability index %(num)s, over %(num_2)s; look at what changed in the last week "
        "(new tenants, a source that counts differently, an attack)"
    ),
    _("decided cases"),
    _("simulated cloud"),
    # forms
    _("say what the cases have in common"),
    _("say how it is decided: for the customer, in part for the customer, or that the finding stands"),
    _("the form does not name the proposal that it carries out; load the page again"),
    _("the draft is of a form of another page"),
    _("say for how long, or until when"),
    _("say what the case waits for"),
    _("say the charge an hour, how many hours a cap lasts, and from when until when it is valid"),
    _("%(text)s is no time of day; write 18:00"),
    _("say whether the text is TOML or JSON"),
    _("what was sent is larger than %(num)s MB; attach the part that the case rests on"),
    _("say what kind of event it is"),
    _("say from when until when it lasts"),
    _("an amount is a number like 12.50, not %(text)s"),
    _("%(text)s is no moment; write 2026-01-31T09:00"),
    _("there is no %(text)s in %(zone)s: clocks go forward then; write another time"),
    # the clock
    _(
        "the simulated clock shows %(moment)s and moves forward only; %(moment_2)s is past: give a later moment, "
        "or leave --now away"
    ),
    # people and accounts
    _(
        "%(identity)s may belong to user %(name)s, who is %(identity_2)s: one person is one user. If they are "
        "two, name each by their mail address: mail:ADDRESS"
    ),
    _(
        "%(identity)s may be user %(name)s, of whom init was told the name alone: one person is one user. If "
        "they are two, say first who %(name_2)s is: cjp-fraud users identity %(name_3)s mail:ADDRESS --as ADMIN"
    ),
    _("there are no pages in this language"),
    _("this is no time zone; choose one of the list, for example Europe/Paris"),
    _("the two passwords are not the same"),
    # forms
    _("say which clock: minute, hour, day or week"),
    _("%(text)s is no number"),
    _("%(text)s is no day; write 2026-01-31"),
    _("say for how many days it counts: 1 to %(num)s"),
    _("%(field)s is %(text)s; give a whole number"),
    _("what was chosen is no measure that the page offered; load the page again"),
    _("case %(case)s has no such chart now; load its page again"),
    _(
        "no %(what)s %(id)s is on record; %(command)s shows them (its first %(num)s digits or more are enough)"
    ),
    _("more than one %(what)s begins with %(id)s: %(names)s; give more digits"),
    _("say what you find"),
)
"""The more particular before the more general: the first that fits says it."""
