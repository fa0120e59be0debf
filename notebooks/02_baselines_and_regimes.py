# %% [markdown]
# # Baselines and regimes
# How a baseline is made, what the floors do, and how it looks for a dense, a sparse and a cold series and in the week in
# which the clocks change. The recipe, step by step: `docs/detection.md`.

# %%
import os
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from cjp_fraud.analysis import describe, figures, open_analysis

demo = open_analysis(os.environ.get("CJP_FRAUD_HOME", "../var/demo"))
figures.show_charts_as_pictures()
pd.set_option("display.max_colwidth", 80)

DENSE, SPARSE = "social-aapl", "social-pfe"
zone = demo.zones[DENSE]

# %% [markdown]
# ## How a baseline is made
# Each local day is folded once: for every quarter hour of the tenant's own clock the median of its intervals. What is
# **usual** at a time is the median over the last seven such days, interpolated between the quarter hours; days before
# this one alone are known. That is why one wild day changes nothing, and why it takes seven days to settle.

# %%
pd.concat([demo.baselines(tenant).assign(tenant_id=tenant) for tenant in (DENSE, SPARSE)]).set_index("tenant_id")[
    ["regime", "days_folded", "floor", "own_bar", "snapshot_day"]
]

# %% [markdown]
# The same by hand, to see that there is no magic in it: the median over the last seven days of the medians of 14:00 to
# 14:15 is the usual value at the middle of that quarter.

# %%
chosen = date(2015, 4, 1)
usual = demo.usual_day(DENSE, chosen)
traffic = demo.traffic(DENSE)
before = traffic[traffic["local_start"] < pd.Timestamp(chosen)]
quarter = before[(before["local_start"].dt.hour == 14) & (before["local_start"].dt.minute < 15)]
by_day = quarter.groupby(quarter["local_start"].dt.date)["contacts_offered"].median().tail(7)
by_hand = by_day.median()
at_its_middle = usual.loc[usual["local_start"] == pd.Timestamp("2015-04-01 14:05"), "usual"].item()
print(f"by hand {by_hand:.1f}, in the snapshot {at_its_middle:.1f} contacts in 5 minutes")
assert by_hand == at_its_middle
by_day.to_frame("median of 14:00 to 14:15, contacts in 5 minutes")

# %% [markdown]
# ## What the floors do
# How far from usual is far? The naive answer is the median deviation of the same quarter hour (orange). It is far too
# narrow: seven days say little about rare bursts. The floors (blue) know how much the whole day and the hours around
# move, and keep the scale from falling under that.

# %%
figures.usual_day(
    demo.usual_day(DENSE, chosen), title=f"Dense: {DENSE}, as of 1 April 2015", time_zone=zone, width=560
)

# %% [markdown]
# On a sparse series the naive deviation is **zero** for most of the night: there the first contact would be infinitely
# unusual. With the floors one contact more is worth about one usual deviation.

# %%
sparse = demo.usual_day(SPARSE, chosen)
figures.usual_day(sparse, title=f"Sparse: {SPARSE}, as of 1 April 2015", time_zone=zone, width=560)

# %%
pd.DataFrame(
    {
        tenant: {
            "intervals without any deviation of their own": (frame["bare_deviation"] == 0).sum(),
            "the same, with floors": (frame["deviation"] == 0).sum(),
            "median deviation, contacts in 5 minutes": round(frame["deviation"].median(), 2),
            "floor of the day (F), contacts in 5 minutes": round(frame["day_floor"].iloc[0], 2),
        }
        for tenant, frame in ((DENSE, usual), (SPARSE, sparse))
    }
)

# %% [markdown]
# ## A cold series
# A series' first days have no baseline: nothing is scored, and nothing is flagged, whatever comes. It is `cold` until
# two local days are folded, `young` until seven are, then `settled`. With fewer than seven days the missing ones are
# filled by a prior, so that the range of a young series is wide and closes in.

# %%
replayed = demo.replay()
whole = replayed.of(DENSE)
first = whole["interval_start"].min().to_pydatetime()
regimes = whole.groupby("regime").agg(
    first_interval=("local_start", "min"), intervals=("observed", "size"), scored=("score", "count")
)
regimes.sort_values("first_interval")

# %%
scored_from = whole.loc[whole["regime"] != "cold", "interval_start"].min().to_pydatetime()
figures.series(
    replayed.of(DENSE, scored_from - timedelta(hours=24), scored_from + timedelta(hours=24)),
    title=f"{DENSE}: the last cold day, and the first with a baseline",
    time_zone=zone,
)

# %% [markdown]
# ## A week in which the clocks change
# People live by the clock on the wall. The demo's companies are American, and in the night to 8 March 2015 American
# clocks went forward, but the sample has them all in UTC. Scored as if in New York, the baseline goes along with the
# wall clock: the same rise of the morning is expected an hour earlier in UTC from that Sunday on. Sunday itself has 23
# hours: there is no 02:00 on the axis below, and the line does not jump.

# %%
NEW_YORK = "America/New_York"
moved = demo.replay(zones=dict.fromkeys(demo.zones, NEW_YORK))
saturday = datetime(2015, 3, 7, 18, tzinfo=ZoneInfo(NEW_YORK))
figures.series(
    moved.of("social-amzn", saturday, saturday + timedelta(hours=18)),
    title="social-amzn, as if in New York: the night to 8 March 2015",
    time_zone=NEW_YORK,
)

# %%
local_days = moved.of("social-amzn")["local_start"].dt.date.value_counts().sort_index()
local_days.loc[date(2015, 3, 6) : date(2015, 3, 10)].to_frame("intervals of five minutes")

# %% [markdown]
# What that is worth in the week after the change: the median distance of the baseline from what was observed, in
# contacts in 5 minutes, with the baseline of the wall clock and with that of UTC. People mention companies around the
# clock, so it is little here and not everywhere a gain; a contact centre that opens at eight gains more.

# %%
week = datetime(2015, 3, 9, tzinfo=ZoneInfo(NEW_YORK)), datetime(2015, 3, 14, tzinfo=ZoneInfo(NEW_YORK))
errors = {}
for name, scored in (("wall clock of New York", moved), ("UTC", replayed)):
    rows = pd.concat([scored.of(tenant, *week) for tenant in demo.zones])
    errors[name] = (rows["observed"] - rows["baseline"]).abs().groupby(rows["tenant_id"]).median()
pd.DataFrame(errors).round(2)

# %%
describe("usual_day")
