"""Why traffic was flagged, and what charts and events show of it."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    _("%(num)s × the usual %(weekday)s %(clock)s"),
    _("the usual %(weekday)s %(clock)s has none"),
    _("%(num)s contacts from %(clock)s to %(clock_2)s (%(zone)s), usually %(num_2)s: %(num_3)s too many"),
    _("so unusual an interval comes %(said)s"),
    _("once in %(num)s such intervals"),
    _("once in %(num)s such spans"),
    _("once in %(num)s such weeks"),
    _("less than once in a billion such intervals"),
    _("less than once in a billion such spans"),
    _("less than once in a billion such weeks"),
    _("%(said)s of this hour's intervals that are as unusual is chance"),
    _("more than half"),
    _("at most one in %(num)s"),
    _("%(num)s in the busiest minute, usually %(num_2)s"),
    _("only %(num)s of %(num_2)s minutes were delivered; contacts are brought to the whole interval"),
    _("the hour before was already %(num)s × its usual: something that goes on, or a new level"),
    _(
        "what weighed most: %(said)s against %(said_2)s (season %(num)s, hour before %(num_2)s; 1 is a busy "
        "day's maximum)"
    ),
    _("the interval's sum"),
    _("the busiest minute"),
    _("the 15 minutes together"),
    _("the season"),
    _("the hour before"),
    _("the series' own restless past is taken into account: divided by %(num)s"),
    _("isolation forest: %(num)s (0.50 is ordinary); shown beside the score, not in it"),
    # longer clocks
    _("%(num)s × what is usual in this %(said)s"),
    _(
        "%(num)s contacts in the %(said)s from %(weekday)s %(clock)s to %(weekday_2)s %(clock_2)s (%(zone)s), "
        "usually %(num_2)s: %(num_3)s too many"
    ),
    _("hour"),
    _("24 hours"),
    _("week"),
    _("so much comes %(said)s"),
    _("%(said)s of the spans that end with this hour and are as unusual is chance"),
    _("only %(num)s of %(num_2)s minutes are known; the usual is of these alone"),
    _("counted over the %(said)s, beside what its intervals say: many small rises add up"),
    # weeks
    _("contacts grow week after week, more than those of other series"),
    _("contacts: %(num)s in the %(days)s days until %(moment)s, usually %(num_2)s: %(num_3)s too many"),
    _(
        "contacts %(said)s: %(num)s in the %(days)s days until %(moment)s, usually %(num_2)s: %(num_3)s too many"
    ),
    _("more of the contacts go %(said)s, day after day"),
    _("abroad"),
    _("to high-risk numbers"),
    _("to numbers that are not assigned"),
    _("to %(country)s"),
    _("from %(country)s"),
    _("what they cost is not known: neither a charge nor numbers that are not assigned"),
    _("the charge a contact, or the share of numbers that are not assigned, has risen with them"),
    _("%(said)s of the series that are as unusual this week is chance"),
    _("seen over weeks, beside what its intervals say: so slow a rise is usual within days"),
    # many tenants at once
    _("together with %(num)s other tenants %(said)s"),
    _("%(num)s tenants were flagged together %(said)s"),
    _("(%(said)s) from %(local)s to %(clock)sZ: likely an outage or an event"),
    _("(%(said)s) from %(local)s to %(local_2)sZ: likely an outage or an event"),
    _("of all"),
    _("country %(country)s"),
    _("channel %(label)s %(label_2)s"),
    _("channel %(name)s"),
    _("application %(name)s"),
    _("known event %(id)s (%(event)s) from %(local)s to %(clock)sZ: %(told)s"),
    _("known event %(id)s (%(event)s) from %(local)s to %(clock)sZ"),
    _("known event %(id)s (%(event)s) from %(local)s to %(local_2)sZ: %(told)s"),
    _("known event %(id)s (%(event)s) from %(local)s to %(local_2)sZ"),
    # charts: what they show, in words
    _(
        "%(series)s: %(num)s intervals of %(said)s from %(local)s to %(local_2)s (%(zone)s); %(num_2)s flagged "
        "by themselves, %(num_3)s longer spans flagged.%(rest)s"
    ),
    _(" Most contacts in an interval: %(num)s at %(local)s, where %(num_2)s are usual.%(events)s"),
    _(" Most contacts in an interval: %(num)s at %(local)s.%(events)s"),
    _(" Known event from %(local)s to %(local_2)s: %(event)s, %(told)s.%(events)s"),
    _(" Known event from %(local)s to %(local_2)s: %(event)s.%(events)s"),
    _(
        "Contacts from %(clock)s–%(clock_2)s (%(zone)s) on the same day of the week: %(num)s in the flagged "
        "week, %(num_2)s to %(num_3)s in %(num_4)s weeks before."
    ),
    _(
        "Contacts from %(clock)s–%(clock_2)s (%(zone)s) on the same day of the week: not known in the flagged "
        "week, %(num_2)s to %(num_3)s in %(num_4)s weeks before."
    ),
    _("%(series)s: contacts an hour by country. Most in the flagged intervals: %(by_country)s."),
    _("%(country)s %(num)s (24 hours before: %(num_2)s)"),
    _(
        "%(series)s: %(said)s in %(said_2)s, known in %(num)s of %(num_2)s intervals; most: %(num_3)s at "
        "%(local)s (%(zone)s)."
    ),
    _("contacts an agent"),
    _("short contacts"),
    _("the source does not say how many agents were signed in"),
    _("the source does not say how many contacts were short"),
    _("1 hour"),
    _("%(num)s hours"),
    _("1 minute"),
    _("%(num)s minutes"),
    _("%(series)s"),
    # charts: what is written in them and at the head of their tables
    _("Contacts"),
    _("Contacts an agent"),
    _("Short contacts"),
    _("%(said)s in %(said_2)s"),
    _("%(series)s: where the contacts went"),
    _("Contacts an hour"),
    _("24 hours before"),
    _("The flagged stretch of the day, and the same in past weeks"),
    _("Contacts from %(clock)s–%(clock_2)s, local time (%(zone)s)"),
    _("Local time (%(zone)s)"),
    _("%(num)s tenants together"),
    _("%(event)s, %(told)s"),
    _("Local time"),
    _("Local date"),
    _("Observed"),
    _("Usual"),
    _("Usual range from"),
    _("to"),
    _("Flag"),
    _("flagged"),
    _("Country"),
    _("Contacts an hour, flagged"),
    _("observed"),
    _("usual"),
    _("usual range"),
    _("known event"),
    _("weeks before"),
    _("not known"),
    _("in the flagged intervals"),
    # moments and days of the tables beside charts
    _("%(local)s"),
    _("%(day)s"),
)
"""The more particular before the more general: the first that fits says it."""
