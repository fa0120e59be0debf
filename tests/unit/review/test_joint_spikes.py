"""Many tenants flagged in the same quarter of an hour: which of them are flagged together, and which are chance."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.review.joint_spikes import (
    FEWEST_TENANTS,
    MOST_BY_CHANCE,
    Group,
    GroupKind,
    JointGroup,
    Line,
    chance_of,
    joint_groups,
)

ALL = Group(GroupKind.ALL)


def lines(
    count: int,
    *,
    prefix: str = "t",
    stream: tuple[str, str] = ("voice", "outbound"),
    application: str | None = None,
) -> list[Line]:
    return [Line(f"{prefix}{number:03d}", *stream, application) for number in range(count)]


def groups(
    present: list[Line], flagged: list[Line], countries: dict[str, str] | None = None, share: float = 0.001
) -> list[tuple[Group, int]]:
    found = joint_groups(present, flagged, countries or {}, share)
    return [(joint.group, len(joint.tenants)) for joint in found]


def test_many_tenants_at_once_are_joint() -> None:
    present = lines(200)
    (joint,) = joint_groups(present, present[:12], {}, 0.001)
    assert joint.group == ALL
    assert joint.tenants == tuple(line.tenant_id for line in present[:12])
    assert (joint.with_traffic, joint.usual) == (200, pytest.approx(0.2))
    assert joint.by_chance <= MOST_BY_CHANCE


def test_four_tenants_are_never_joint_however_few_there_are() -> None:
    present = lines(4)
    assert groups(present, present) == []
    assert groups(lines(5), lines(5)) == [(ALL, 5)]


def test_as_many_as_are_usual_are_not_joint() -> None:
    present = lines(1000)
    assert groups(present, present[:12], share=0.01) == []
    assert groups(present, present[:45], share=0.01) == [(ALL, 45)]


def test_unlikely_alone_is_not_enough_where_less_than_three_times_the_usual_number_is_flagged() -> None:
    present = lines(20_000)
    flagged = present[:400]
    assert chance_of(400, 20_000, 200.0) < MOST_BY_CHANCE
    assert groups(present, flagged, share=0.01) == []


def test_what_one_country_does_is_named_by_the_country() -> None:
    german, others = lines(20, prefix="de"), lines(180)
    countries = {line.tenant_id: "DE" for line in german}
    assert groups(german + others, german[:8], countries) == [(Group(GroupKind.COUNTRY, "DE"), 8)]


def test_what_one_application_or_channel_does_is_named_by_it() -> None:
    carried, inbound = (
        lines(20, prefix="a", application="bot"),
        lines(30, prefix="i", stream=("chat", "inbound")),
    )
    present = carried + inbound + lines(150)
    assert groups(present, carried[:8]) == [(Group(GroupKind.APPLICATION, "bot"), 8)]
    assert groups(present, inbound[:8]) == [(Group(GroupKind.STREAM, "chat inbound"), 8)]


def test_two_events_at_once_are_two_groups_and_a_flag_is_in_one() -> None:
    german, french = lines(20, prefix="de"), lines(20, prefix="fr")
    countries = {line.tenant_id: line.tenant_id[:2].upper() for line in german + french}
    found = groups(german + french + lines(160), german + french[:6], countries)
    assert found == [(Group(GroupKind.COUNTRY, "DE"), 20), (Group(GroupKind.COUNTRY, "FR"), 6)]


def test_several_lines_of_a_tenant_are_one_tenant() -> None:
    voice, chat = lines(4), lines(4, stream=("chat", "inbound"))
    assert groups(voice + chat, voice + chat) == []


def test_where_all_are_hit_the_group_is_all() -> None:
    present = lines(30)
    countries = {line.tenant_id: "DE" for line in present}
    assert groups(present, present[:10], countries) == [(ALL, 10)]


@given(
    tenants=st.integers(5, 60),
    flagged=st.integers(0, 60),
    share=st.floats(1e-4, 0.2),
)
def test_the_chance_is_never_less_than_that_of_the_binomial_tail(
    tenants: int, flagged: int, share: float
) -> None:
    flagged = min(flagged, tenants)
    exact = sum(
        comb(tenants, k) * share**k * (1 - share) ** (tenants - k) for k in range(flagged, tenants + 1)
    )
    assert chance_of(flagged, tenants, share * tenants) >= exact * (1 - 1e-9)


@given(
    present=st.sets(
        st.tuples(st.integers(0, 30), st.sampled_from(["voice", "chat"]), st.sampled_from([None, "bot"])),
        max_size=60,
    ),
    every=st.integers(1, 5),
)
def test_no_line_is_in_two_groups_and_none_has_fewer_than_five_tenants(
    present: set[tuple[int, str, str | None]], every: int
) -> None:
    known = [
        Line(f"t{number:02d}", channel, "outbound", app) for number, channel, app in sorted(present, key=str)
    ]
    countries = {line.tenant_id: ("DE", "FR", "GB")[int(line.tenant_id[1:]) % 3] for line in known}
    found: list[JointGroup] = joint_groups(known, known[::every], countries, 0.001)
    assert all(len(joint.tenants) >= FEWEST_TENANTS for joint in found)
    assert len({joint.group for joint in found}) == len(found)
    assert set().union(*(joint.tenants for joint in found)) <= {line.tenant_id for line in known[::every]}
