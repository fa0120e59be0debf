# %% [markdown]
# # The evidence of one case
# For a lawyer on either side: what was seen, who found what, who agreed, what was served, when it counts as received, what
# was restricted, and whether all of it can be proved. All times say their zone.

# %%
import email
import os
from email.policy import default
from pathlib import Path

import pandas as pd

from cjp_fraud.analysis import figures, open_analysis

home = Path(os.environ.get("CJP_FRAUD_HOME", "../var/demo"))
demo = open_analysis(home)
figures.show_charts_as_pictures()
pd.set_option("display.max_colwidth", 120)

cases = demo.cases()
NUMBER = int(cases.loc[cases["state"] == "suspended", "number"].iloc[-1])
cases

# %%
case, evidence = demo.case(NUMBER), demo.evidence(NUMBER)
print(f"Case {NUMBER}: {case.customer_name} (tenant {case.tenant_id}), {case.state}")
print(f"Times of the tenant: {evidence.time_zone}. The clock of this demo is simulated: it proves a trial.")

# %% [markdown]
# ## What happened, when, and who did it

# %%
figures.case_timeline(
    demo.case_events(NUMBER),
    demo.flags(case=NUMBER),
    demo.deemed_receipt(NUMBER),
    title=f"Case {NUMBER}",
    time_zone=evidence.time_zone,
)

# %% [markdown]
# ## What was seen
# Drawn of the rows that were frozen when the finding was made, and of nothing else; the digest below is the one that the
# finding names.

# %%
assert evidence.frozen
print(f"frozen evidence, SHA-256 {evidence.sha256}")
(drawn,) = figures.frozen(evidence)
drawn

# %% [markdown]
# The same stretch of the day, the same day of the week, in the weeks before. (The traffic begins on 26 February 2015, later
# in the day; of the weeks before there is none.)

# %%
span = f"{evidence.begin:%H:%M}–{evidence.end:%H:%M}"
figures.past_slots(
    demo.past_slots(NUMBER),
    title="The flagged stretch, and the same in past weeks",
    span=span,
    time_zone=evidence.time_zone,
)

# %% [markdown]
# ## Reasons
# Why the intervals were flagged, the most unusual first, in the words that the reviewer read.

# %%
for word in demo.flags(case=NUMBER).sort_values("score", ascending=False)["why"].iloc[0].split("; "):
    print("-", word)

# %%
demo.flags(case=NUMBER)[["interval_start", "clock", "observed", "baseline", "excess", "score", "threshold"]]

# %% [markdown]
# ## The finding
# A person's, with grounds and reasons; the machine only asks.

# %%
demo.determinations(NUMBER).T

# %% [markdown]
# ## The proposal, and who approved it
# Nobody approves their own finding: the approval names the digest of exactly what was proposed.

# %%
proposals = demo.proposals(NUMBER)
assert demo.determinations(NUMBER)["by"].iloc[-1] not in proposals["approved_by"].iloc[-1].split(", ")
proposals.T

# %% [markdown]
# ## The notice
# The exact bytes that were handed over, read as a reader of mail shows them.

# %%
deliveries = demo.deliveries(NUMBER)
message = email.message_from_bytes(demo.letter(deliveries["notice_id"].iloc[0]), policy=default)
for name in ("From", "To", "Date", "Subject", "Message-ID"):
    print(f"{name}: {message[name]}")
print()
print(message.get_body(("plain",)).get_content())

# %% [markdown]
# ## Its delivery
# What became known of it, by whose word, and whether that word is authenticated; what is not, counts for nothing.

# %%
deliveries.drop(columns="notice_id").T

# %% [markdown]
# ## From when it counts as received
# By the contract's rule, step by step.

# %%
receipt = demo.deemed_receipt(NUMBER)
for step in receipt["steps"].iloc[0].split("; "):
    print("-", step)
receipt.drop(columns=["notice_id", "steps"]).T

# %% [markdown]
# ## The measure
# What the platform was told, and what it says itself is in force. Emergency calls stay.

# %%
measures = demo.measures(NUMBER)
assert (receipt["received_at"].min() <= measures["ordered_at"]).all(), "the notice counts as received first"
measures.T

# %% [markdown]
# ## Does the bundle hold?
# One file with everything above: verified here against this deployment's own audit log. Whoever gets the file verifies it
# with the file alone, without us: `cjp-fraud evidence verify`, or OpenSSL and `sha256sum` as its README says.

# %%
report = demo.verify_bundle(home / f"case-{NUMBER}.zip")
assert report.holds, report.faults
pd.Series(
    {
        "holds": report.holds,
        "files": report.files,
        "entries of the audit log": report.entries,
        "manifest signed": report.manifest_signed,
        "head of the log, SHA-256": report.head_sha256,
        "simulated clock": report.simulated_clock,
        "faults": ", ".join(report.faults) or "none",
    }
).to_frame("")
