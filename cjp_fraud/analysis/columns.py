"""Columns of the frames of an analysis: name, dtype, unit and meaning, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

TEXT: Final = "str"
NUMBER: Final = "float64"
COUNT: Final = "Int64"
FLAG: Final = "boolean"
MOMENT: Final = "datetime64[us, UTC]"
LOCAL: Final = "datetime64[us]"


class Column(NamedTuple):
    """A column; ``unit`` is empty where there is none."""

    name: str
    dtype: str
    unit: str
    meaning: str


_SERIES: Final = (
    Column("series_id", TEXT, "", "id of the series"),
    Column("tenant_id", TEXT, "", "tenant"),
    Column("channel", TEXT, "", "voice, chat, email, sms or social"),
    Column("direction", TEXT, "", "inbound or outbound"),
    Column("application_id", TEXT, "", "application; missing: the channel as a whole"),
    Column("interval_seconds", COUNT, "seconds", "length of the intervals"),
)
_WHEN: Final = (
    Column("interval_start", MOMENT, "UTC", "start of the interval"),
    Column("local_start", LOCAL, "tenant's wall clock", "the same in the tenant's own time, without offset"),
)
_SCORED: Final = (
    Column("observed", NUMBER, "contacts per interval", "contacts; missing: not known"),
    Column("baseline", NUMBER, "contacts per interval", "usual contacts at this time (m)"),
    Column("against_season", NUMBER, "", "how far that is from usual, by the usual deviation (S)"),
    Column("statistic", NUMBER, "", "final statistic (s′)"),
    Column("score", NUMBER, "−log10 p", "2: traffic like this once in 100 such intervals"),
    Column("p_value", NUMBER, "share of intervals", "how often traffic like this reaches the statistic"),
    Column("threshold", NUMBER, "−log10 p", "score that a flag needs"),
    Column("flagged", FLAG, "", "whether it was flagged"),
)

FRAMES: Final[Mapping[str, tuple[Column, ...]]] = {
    "tenants": (
        Column("tenant_id", TEXT, "", "tenant"),
        Column("time_zone", TEXT, "IANA zone", "in which its days are counted"),
        Column("country", TEXT, "ISO 3166-1", "country; missing: not given"),
        Column("plan", TEXT, "", "its plan"),
        Column("agents", COUNT, "agents", "purchased agents; missing: not given"),
        Column("critical", FLAG, "", "whether it is a critical service"),
        Column("notice_terms", TEXT, "", "whether its notice terms are read"),
    ),
    "traffic": (
        *_SERIES,
        *_WHEN,
        Column("contacts_offered", COUNT, "contacts", "contacts in the interval"),
        Column(
            "contacts_connected", COUNT, "contacts", "of them connected; missing: the source does not say"
        ),
        Column("contacts_short", COUNT, "contacts", "of them shorter than the source's limit"),
        Column("contacts_failed", COUNT, "contacts", "of them failed"),
        Column("contacts_peak", COUNT, "contacts per minute", "in the busiest minute"),
        Column("connected_seconds", NUMBER, "seconds", "time connected, all contacts together"),
        Column("agents_active", COUNT, "agents", "agents signed in"),
        Column("contacts_international", COUNT, "contacts", "to other countries"),
        Column("contacts_high_risk", COUNT, "contacts", "to destinations of high risk"),
        Column("charge_cents", COUNT, "cents", "what was charged"),
        Column(
            "seconds_covered", COUNT, "seconds", "how much of the interval the source covers; missing: all"
        ),
    ),
    "local_week": (
        Column("weekday", COUNT, "0 Monday to 6 Sunday", "day of the local week"),
        Column("hour", COUNT, "0 to 23", "hour of the local day"),
        Column("contacts_per_hour", NUMBER, "contacts per hour", "mean over the hours of that kind"),
        Column("hours", COUNT, "hours", "how many hours that mean is of"),
    ),
    "scores": (*_SERIES, *_WHEN, *_SCORED),
    "replayed": (
        *_SERIES,
        *_WHEN,
        *_SCORED,
        Column("regime", TEXT, "", "cold, young, young_peak, settled or settled_peak"),
        Column("usual_low", NUMBER, "contacts per interval", "usual less the usual deviation, at least 0"),
        Column("usual_high", NUMBER, "contacts per interval", "usual and the usual deviation"),
    ),
    "span_scores": (
        *_SERIES,
        Column("clock", TEXT, "", "hour, day or week"),
        *_WHEN,
        Column("span_seconds", COUNT, "seconds", "length of the span, which ends with the interval"),
        Column("observed", NUMBER, "contacts in the span", "contacts in its known part"),
        Column("baseline", NUMBER, "contacts in the span", "as many are usual there"),
        Column("score", NUMBER, "−log10 p", "as of scores"),
        Column("threshold", NUMBER, "−log10 p", "score that a flag needs"),
        Column("flagged", FLAG, "", "whether it was flagged"),
    ),
    "usual_day": (
        *_SERIES,
        *_WHEN,
        Column("usual", NUMBER, "contacts per interval", "usual contacts at this time (m)"),
        Column(
            "deviation",
            NUMBER,
            "contacts per interval",
            "usual deviation, with the floors (denominator of S)",
        ),
        Column("bare_deviation", NUMBER, "contacts per interval", "the same without floors: 1.4826 · MAD_s"),
        Column("day_floor", NUMBER, "contacts per interval", "floor of the day (F)"),
        Column("regime", TEXT, "", "as of replayed"),
        Column("days", COUNT, "days", "how many local days it was made from"),
    ),
    "baselines": (
        *_SERIES[0:1],
        *_SERIES[2:],
        Column("snapshot_day", LOCAL, "local date", "the day that the newest snapshot is valid on"),
        Column("regime", TEXT, "", "as of replayed"),
        Column("days_folded", COUNT, "days", "how many local days it was made from"),
        Column("floor", NUMBER, "contacts per interval", "the smallest scale (F)"),
        Column("own_bar", NUMBER, "", "by how much its own past raises its bar; 1: not at all"),
    ),
    "flags": (
        Column("case", COUNT, "number", "its case; missing: none"),
        Column("tenant_id", TEXT, "", "tenant"),
        Column("channel", TEXT, "", "as of traffic"),
        Column("direction", TEXT, "", "as of traffic"),
        Column("interval_start", MOMENT, "UTC", "start of the flagged interval, or of the span's last one"),
        Column("clock", TEXT, "", "minute (the interval itself), hour, day or week"),
        Column("span_seconds", COUNT, "seconds", "what observed and baseline count"),
        Column("observed", NUMBER, "contacts in the span", "contacts"),
        Column("baseline", NUMBER, "contacts in the span", "as many are usual"),
        Column("excess", NUMBER, "contacts in the span", "contacts above the usual"),
        Column("score", NUMBER, "−log10 p", "as of scores"),
        Column("threshold", NUMBER, "−log10 p", "score that it needed"),
        Column("q_value", NUMBER, "share", "share of chance among that hour's intervals so unusual, at most"),
        Column("why", TEXT, "", "why, in words"),
        Column("id", TEXT, "", "the flag's id"),
    ),
    "cases": (
        Column("number", COUNT, "", "the case's number"),
        Column("tenant_id", TEXT, "", "tenant"),
        Column("state", TEXT, "", "state of the case"),
        Column("top_score", NUMBER, "−log10 p", "the highest score of its flags"),
        Column("flags", COUNT, "flags", "flags in force"),
        Column("first_flag_at", MOMENT, "UTC", "start of its first flag"),
        Column("last_flag_at", MOMENT, "UTC", "start of its last flag"),
        Column("opened_at", MOMENT, "UTC", "when it was opened"),
        Column("others_flagged", COUNT, "tenants", "tenants flagged together with it in a joint event"),
    ),
    "known_events": (
        Column("kind", TEXT, "", "campaign, source_outage, holiday, migration, incident or other"),
        Column("words", TEXT, "", "what happens, as it was entered; missing: erased"),
        Column("begins_at", MOMENT, "UTC", "begin"),
        Column("ends_at", MOMENT, "UTC", "end"),
        Column("tenant_id", TEXT, "", "whose traffic it explains; missing: that of all tenants"),
        Column("channel", TEXT, "", "missing: every channel"),
        Column("entered_by", TEXT, "", "user name"),
        Column("entered_at", MOMENT, "UTC", "when it was entered"),
    ),
    "joint_events": (
        Column("group", TEXT, "", "among whom: all, or of a group"),
        Column("name", TEXT, "", "name of the group"),
        Column("begins_at", MOMENT, "UTC", "begin"),
        Column("ends_at", MOMENT, "UTC", "end"),
        Column("tenants", COUNT, "tenants", "how many were flagged"),
        Column("by_chance", NUMBER, "share", "how likely so many are by chance, at most"),
    ),
    "case_events": (
        Column("at", MOMENT, "UTC", "when"),
        Column("actor", TEXT, "", "user name, or system:task"),
        Column("action", TEXT, "", "what was done, as the audit log names it"),
        Column("sequence", COUNT, "", "number of the entry in the audit log"),
    ),
    "determinations": (
        Column("number", COUNT, "", "of the case's findings"),
        Column("at", MOMENT, "UTC", "when"),
        Column("by", TEXT, "", "who"),
        Column("finding", TEXT, "", "fraudulent, not_fraudulent or undetermined"),
        Column("tenants_part", TEXT, "", "the tenant's part; missing: not asked"),
        Column("grounds", TEXT, "", "grounds of the catalogue"),
        Column("flags", COUNT, "flags", "how many flags it names"),
        Column("reasons", TEXT, "", "the person's words"),
        Column("evidence_sha256", TEXT, "", "digest of the evidence frozen with it"),
    ),
    "proposals": (
        Column("number", COUNT, "", "version of the proposal"),
        Column("drawn_at", MOMENT, "UTC", "when it was drawn"),
        Column("expires_at", MOMENT, "UTC", "until when it can be approved"),
        Column("measure", TEXT, "", "what is to be restricted"),
        Column("channels", TEXT, "", "on which channels and directions"),
        Column("hours", COUNT, "hours", "for how long"),
        Column("sha256", TEXT, "", "digest that approvals bind"),
        Column("approved_by", TEXT, "", "who approved it; empty: nobody"),
        Column("approved_at", MOMENT, "UTC", "when the last approval was given"),
    ),
    "deliveries": (
        Column("kind", TEXT, "", "kind of the letter"),
        Column("method", TEXT, "", "how it is served"),
        Column("state", TEXT, "", "state of the letter"),
        Column("dispatched_at", MOMENT, "UTC", "when it was handed over"),
        Column("event_at", MOMENT, "UTC", "when something became known of it"),
        Column("status", TEXT, "", "rung of the ladder of delivery (accepted, sent, delivered, …)"),
        Column("negative", FLAG, "", "whether it says that it did not arrive"),
        Column("authenticated", FLAG, "", "whether it proves anything"),
        Column("source", TEXT, "", "who says so"),
        Column("message_sha256", TEXT, "", "digest of the letter's bytes"),
        Column("notice_id", TEXT, "", "id of the letter"),
    ),
    "deemed_receipt": (
        Column("notice_id", TEXT, "", "id of the letter"),
        Column("kind", TEXT, "", "kind of the letter"),
        Column("method", TEXT, "", "how it was served"),
        Column("rule", TEXT, "", "the contract's rule in words"),
        Column("clause", TEXT, "", "where the contract says so"),
        Column("standing", TEXT, "", "what the letter counts for"),
        Column("received_at", MOMENT, "UTC", "from when it counts as received; missing: it does not"),
        Column("steps", TEXT, "", "the reasoning, a sentence a step"),
    ),
    "measures": (
        Column("kind", TEXT, "", "what is restricted"),
        Column("channels", TEXT, "", "on which channels and directions"),
        Column("keeps", TEXT, "", "what stays open"),
        Column("standing", TEXT, "", "how it stands"),
        Column("ordered_at", MOMENT, "UTC", "when the platform was told"),
        Column("in_force_at", MOMENT, "UTC", "since when it is in force"),
        Column("review_at", MOMENT, "UTC", "by when it is looked at again"),
        Column("ends_at", MOMENT, "UTC", "when it ends by itself"),
        Column("read_back", FLAG, "", "whether the platform said itself that it is restricted"),
    ),
    "versions": (
        Column("monday", LOCAL, "date", "the Monday that it was fitted for"),
        Column("counts_from", MOMENT, "UTC", "from when it counts; missing: it waits"),
        Column("threshold", NUMBER, "−log10 p", "score that a flag of the minute clock needs"),
        Column("window_from", MOMENT, "UTC", "begin of the traffic that it was fitted on"),
        Column("window_to", MOMENT, "UTC", "end of it"),
        Column("series_weeks", NUMBER, "weeks", "weeks of scored series in it"),
        Column("flags", COUNT, "flags", "flags in it at the thresholds"),
        Column("episodes", COUNT, "episodes", "episodes in it"),
        Column("cases", COUNT, "cases", "cases in it"),
        Column("waits_because", TEXT, "", "why it was not promoted; empty: it was"),
        Column("warnings", TEXT, "", "what has shifted; empty: nothing"),
        Column("id", TEXT, "", "its id"),
    ),
    "what_if": (
        Column("threshold", NUMBER, "−log10 p", "score that a flag of the minute clock would need"),
        Column("flags", COUNT, "flags", "flags in the newest 28 days"),
        Column("cases", COUNT, "cases", "cases, as if nobody decided anything"),
        Column("cases_per_day", NUMBER, "cases per day", "the same a day"),
        Column("episodes_per_series_week", NUMBER, "episodes", "a series and week"),
        Column("fraudulent", COUNT, "cases", "decided cases that it would have found, found fraudulent"),
        Column("not_fraudulent", COUNT, "cases", "the same, found not fraudulent"),
        Column("undetermined", COUNT, "cases", "the same, not determined"),
    ),
    "calibration": (
        Column("score", NUMBER, "−log10 p", "score"),
        Column("promised", NUMBER, "share of intervals", "that are promised to reach it (p)"),
        Column("seen", NUMBER, "share of intervals", "that reached it"),
        Column("low", NUMBER, "share of intervals", "95 % interval (Wilson), lower end"),
        Column("high", NUMBER, "share of intervals", "upper end"),
        Column("intervals", COUNT, "intervals", "how many reached it"),
    ),
    "score_bins": (
        Column("low", NUMBER, "−log10 p", "from this score on"),
        Column("high", NUMBER, "−log10 p", "to this one"),
        Column("intervals", COUNT, "intervals", "intervals with a score between"),
    ),
    "recall": (
        Column("budget", NUMBER, "episodes per series and week", "the budget"),
        Column("clocks", TEXT, "", "whose flags count"),
        Column("threshold", NUMBER, "−log10 p", "of the minute clock, chosen for the budget"),
        Column("found", COUNT, "events", "simulated frauds found within a day"),
        Column("frauds", COUNT, "events", "simulated frauds"),
        Column("recall", NUMBER, "share", "found ÷ frauds"),
        Column("low", NUMBER, "share", "95 % interval (Wilson), lower end"),
        Column("high", NUMBER, "share", "upper end"),
    ),
    "precision": (
        Column("name", TEXT, "", "which cases"),
        Column("fraudulent", COUNT, "cases", "found fraudulent"),
        Column("not_fraudulent", COUNT, "cases", "found not fraudulent"),
        Column("undecided", COUNT, "cases", "undetermined, or not decided yet"),
        Column("precision", NUMBER, "share", "fraudulent ÷ (fraudulent + not); missing: none decided"),
        Column("low", NUMBER, "share", "95 % interval (Wilson), lower end"),
        Column("high", NUMBER, "share", "upper end"),
    ),
    "peers": (
        Column("tenant_id", TEXT, "", "tenant"),
        Column("observed", NUMBER, "contacts", "contacts in the stretch of time, all series"),
        Column("usual", NUMBER, "contacts", "usual contacts there"),
        Column("times_usual", NUMBER, "", "the first by the second"),
        Column("flagged", FLAG, "", "whether any of its intervals there was flagged"),
    ),
    "past_slots": (
        Column("day", LOCAL, "local date", "day"),
        Column(
            "contacts", NUMBER, "contacts", "contacts in that stretch of the local day; missing: not known"
        ),
        Column("flagged", FLAG, "", "whether it is the stretch that was flagged"),
    ),
}


def describe(name: str) -> pd.DataFrame:
    """Return what a frame's columns are: name, dtype, unit, meaning.

    Parameters
    ----------
    name : of the frame, as the method that returns it is called.

    Raises
    ------
    KeyError
        If there is no such frame; ``FRAMES`` has them all.
    """
    return pd.DataFrame(FRAMES[name]).rename(columns={"name": "column"}).set_index("column")


def framed(name: str, rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Return rows as the frame of this name: its columns, in its order, in their dtypes; others are left out.

    Columns that the rows do not have are missing values.
    """
    columns = FRAMES[name]
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    return pd.DataFrame(
        {
            column.name: _as(frame[column.name], column.dtype)
            if column.name in frame
            else pd.Series(index=frame.index, dtype=column.dtype)
            for column in columns
        }
    ).reset_index(drop=True)


def _as(values: Any, dtype: str) -> Any:
    if dtype == MOMENT:
        return pd.to_datetime(values, utc=True).astype(dtype)
    if dtype == LOCAL:
        return pd.to_datetime(values).astype(dtype)
    if dtype == COUNT:
        return pd.to_numeric(values).astype(dtype)
    return values.astype(dtype)
