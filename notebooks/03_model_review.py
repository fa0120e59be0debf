# %% [markdown]
# # Reviewing a model
# How scores are distributed, whether they keep what they promise, what is found under which budget of alerts, how right
# people found it, what other thresholds would have flagged, and how a version comes to count.

# %%
import os

import pandas as pd

from cjp_fraud.analysis import figures, open_analysis

demo = open_analysis(os.environ.get("CJP_FRAUD_HOME", "../var/demo"))
figures.show_charts_as_pictures()
pd.set_option("display.max_colwidth", 80)

# %% [markdown]
# ## Versions
# Each Monday a version is fitted on the four weeks before it. It counts from the next midnight, unless it is worse than
# the one in force: then it waits and says why.

# %%
demo.versions().drop(columns="id").T

# %% [markdown]
# ## Scores
# All 35 days scored anew, each interval by what was known before it. A score of 2 promises: traffic like this comes once
# in 100 such intervals. The axis of the intervals is logarithmic.

# %%
replayed = demo.replay()
in_force = demo.thresholds()
figures.score_bins(
    replayed.score_bins(),
    title="Scores of ten tenants in 35 days",
    thresholds={"threshold in force": in_force["minute"]},
)

# %% [markdown]
# ## Calibration
# Do scores keep what they promise? On the dashed line they do exactly. Below it they are cautious: fewer intervals
# reached the score than it promises. Each day is calibrated on the days before it, and the first days of these series, on
# which no past of their own raised their bar yet, were wild ones (docs/detection.md, steps 8 and 10); the gap closes from
# week to week as the pool grows. The last points, from 3.5 on, rest on few intervals, the burst's among them.

# %%
calibration = replayed.calibration()
figures.calibration(calibration, title="Ten tenants, 35 days: promised and seen")

# %%
calibration

# %% [markdown]
# ## Recall under a budget of alerts
# One burst tells nothing of recall. So the rules in force are tried on a simulated cloud in which every second tenant is
# defrauded, in ways from a flood to a slow leak, and the threshold is chosen for a budget of episodes per series and
# week. A fraud counts as found within a day of the beginning of its cost. There are few frauds here, so that it takes
# seconds; the vertical lines are 95 % intervals, and docs/detection-benchmark.md has the figures on many.

# %%
recall = demo.recall([0.1, 0.2, 0.5, 1, 2], tenants=20)
figures.recall(recall, title=f"{recall['frauds'].iloc[0]} simulated frauds")

# %%
recall.round(2)

# %% [markdown]
# ## Precision
# Only people say what is fraud: precision is fraudulent ÷ (fraudulent + not fraudulent), over cases that somebody
# decided. One case is not much, and the interval says so.

# %%
precision = demo.precision()
figures.precision(precision, title="Decided cases of the demo")

# %%
precision.round(3)

# %% [markdown]
# ## What if the threshold were another one?
# The newest 28 days, as if nobody had decided anything. No threshold is changed by asking.

# %%
replayed.what_if([2.0, 2.25, in_force["minute"], 2.75, 3.0, 3.5]).round(2)

# %% [markdown]
# ## Promoting a version
# A notebook cannot promote: what it writes, the database refuses.

# %%
from cjp_fraud.errors import StorageError
from cjp_fraud.operations import model_versions

newest = demo.versions().iloc[0]
try:
    model_versions.promote_version(demo.deployment, "rosa", demo.now, newest["id"][:8])
except StorageError as refused:
    print(refused)

# %% [markdown]
# An admin does so by the command below. The version is tried against the one in force, on decided
# cases and on a simulated cloud, and a worse one is refused unless somebody says why it is promoted all the same.

# %%
print(f"cjp-fraud models promote {newest['monday']:%Y-%m-%d} --as ADMIN")
