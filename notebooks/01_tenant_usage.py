# %% [markdown]
# # A tenant's usage
# Who uses what, when, and what is usual of it: traffic, the local week, the usual range, known events, peers.
#
# The demo's traffic is real: mentions of ten companies (Numenta Anomaly Benchmark, MIT), 35 days from 26 February 2015,
# here relabelled as outbound voice. One burst of fraud is written into `social-pfe`. Nothing in this notebook can change
# anything: database and lake are opened for reading alone.

# %%
import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from cjp_fraud.analysis import describe, figures, open_analysis
from cjp_fraud.charts.series import FlaggedSpan, KnownEvent

demo = open_analysis(os.environ.get("CJP_FRAUD_HOME", "../var/demo"))
figures.show_charts_as_pictures()
pd.set_option("display.max_colwidth", 120)

TENANT = "social-pfe"
zone = demo.zones[TENANT]
demo.tenants()

# %% [markdown]
# ## Traffic
# One row a series and interval of five minutes. What a source does not deliver is missing, never zero: this one knows
# contacts and nothing else, so there are no destinations, no agents and no durations to look at.

# %%
traffic = demo.traffic(TENANT)
delivered = traffic.columns[traffic.notna().any()].tolist()
print(f"{len(traffic):,} intervals; delivered: {', '.join(delivered)}")
traffic.tail(3)[delivered]

# %%
describe("traffic")

# %% [markdown]
# ## The local week
# Mean contacts an hour, by weekday and hour of the tenant's own clock, up to the day before the burst.

# %%
begin, until = traffic["interval_start"].min(), datetime(2015, 4, 2, tzinfo=ZoneInfo(zone))
figures.local_week(
    demo.local_week(TENANT, begin.to_pydatetime(), until),
    title=f"{TENANT}: a usual week, 26 February to 1 April 2015",
    time_zone=zone,
)

# %% [markdown]
# ## What is usual, and what was unusual
# The replay scores all 35 days anew, each interval by what was known before it, and stores nothing. The usual range is
# what detection measures by: the usual value, more or less its usual deviation at that time of the day.

# %%
replayed = demo.replay()
five_weeks = replayed.of(TENANT)
figures.series(
    figures.by_the_hour(five_weeks), title=f"{TENANT}: five weeks, by the hour", time_zone=zone
)

# %% [markdown]
# An ordinary day, near enough to see the range. Most intervals lie within it; those that do not are mostly not flagged,
# because a flag needs more than one unusual interval against the season (docs/detection.md).

# %%
day = datetime(2015, 3, 31, tzinfo=ZoneInfo(zone))
figures.series(
    replayed.of(TENANT, day, day + timedelta(days=1)),
    title=f"{TENANT}: Tuesday, 31 March 2015",
    time_zone=zone,
)

# %% [markdown]
# The burst. Triangles are flagged intervals; the shaded hour was flagged as a whole by the clock that counts over hours.

# %%
flags = demo.flags(TENANT)
spans = [
    FlaggedSpan(
        (row.interval_start + timedelta(minutes=5) - timedelta(seconds=int(row.span_seconds))).to_pydatetime(),
        (row.interval_start + timedelta(minutes=5)).to_pydatetime(),
    )
    for row in flags.itertuples()
    if row.clock != "minute"
]
night = datetime(2015, 4, 2, tzinfo=ZoneInfo(zone))
events = [
    KnownEvent(row.begins_at.to_pydatetime(), f"{row.tenants} tenants together")
    for row in demo.joint_events().itertuples()
] + [
    KnownEvent(row.begins_at.to_pydatetime(), row.words, row.ends_at.to_pydatetime())
    for row in demo.known_events(TENANT).itertuples()
]
figures.series(
    replayed.of(TENANT, night, night + timedelta(hours=6)),
    title=f"{TENANT}: the night of 2 April 2015",
    time_zone=zone,
    spans=spans,
    events=events,
)

# %%
flags[["interval_start", "clock", "observed", "baseline", "excess", "score", "why"]]

# %% [markdown]
# ## Known events
# Campaigns, outages, holidays and migrations that somebody has entered (`cjp-fraud known-events add`). The demo has none:

# %%
demo.known_events(TENANT)

# %% [markdown]
# When many tenants are flagged at the same time, an outage or an event is likelier than fraud at each of them. The demo
# has no such event either:

# %%
demo.joint_events()

# %% [markdown]
# ## Peers
# The other tenants in the same 45 minutes. If all had risen, the cause would not be this tenant's.

# %%
burst = datetime(2015, 4, 2, 2, tzinfo=ZoneInfo(zone))
peers = replayed.peers(burst, burst + timedelta(minutes=45))
figures.peers(
    peers,
    title="Contacts beside what is usual, tenant by tenant",
    tenant_id=TENANT,
    span=f"2 April 2015 02:00–02:45 local time ({zone})",
)

# %%
peers.sort_values("times_usual", ascending=False).round(2)
