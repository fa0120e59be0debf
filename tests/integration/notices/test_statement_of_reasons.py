"""Statements of reasons: with every notice that restricts, and held against the laws that counsel turned on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.config import load_settings
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.reason_profile_entry import enter_profile, profiles_in_force
from cjp_fraud.contracts.reason_profiles import ProfileInForce, ReasonProfile
from cjp_fraud.contracts.tables import ReasonProfileVersion
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import digest
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.statement_of_reasons import (
    REQUIRED,
    GroundKind,
    Source,
    StatementOfReasons,
    profile_faults,
    statement_of,
)
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.operations.contract_entries import load
from cjp_fraud.operations.reasons import ProfileStanding, list_profiles, reasons_of_notice, set_profile
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import reading, transaction
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows
from tests.notice_builders import a_letter, a_plan, notices_of
from tests.people_builders import a_user

BOTH = (
    ProfileInForce(ReasonProfile.EU_2019_1150, mediators=("CEDR", "the mediator of Brussels")),
    ProfileInForce(ReasonProfile.EU_2022_2065, out_of_court=("the settlement body of Ireland",)),
)


@pytest.fixture
def home(tmp_path: Path, sqlite_engine: Engine) -> Deployment:
    """A deployment on the test's database, with tenant acme and two people."""
    with transaction(sqlite_engine) as session:
        a_user(session, "cora", [Role.COUNSEL], NOON)
        a_user(session, "rita", [Role.REVIEWER], NOON)
    load_rows(sqlite_engine, tmp_path, a_row())
    settings = load_settings(
        home=tmp_path, database_url=sqlite_engine.url.render_as_string(hide_password=False)
    )
    return Deployment(settings)


def the_statement(engine: Engine, folder: Path) -> StatementOfReasons:
    with reading(engine) as session:
        position = replace(contract_at(session, "acme", NOON), reason_profiles=BOTH)
    said = statement_of(a_letter(), position, "en")
    assert said is not None
    return said


def test_a_notice_that_restricts_states_its_reasons_in_the_approved_plan(home: Deployment) -> None:
    plan_id = a_plan(home.engine)
    with reading(home.engine) as session:
        plan = session.get_one(NoticePlan, plan_id)
        said = from_document(PlanDraft, plan.document).statement
        assert chain_faults(session) == []
    assert said is not None
    assert said.restricts == "Suspension of the voice channel (outbound only)."
    assert (said.lasts_hours, said.source, said.ground_kind) == (
        72,
        Source.OWN_INITIATIVE,
        GroundKind.CONTRACT,
    )
    assert said.ground.endswith("clause 2.4") or "clause 2.4;" in said.ground
    assert [(fact.observed, fact.usual, fact.begins_at.isoformat()) for fact in said.facts] == [
        (1412.0, 3.0, "2015-04-02T03:00:00+00:00")
    ]
    assert said.explanation[0].startswith("The traffic ran while")
    assert (said.automated_detection, said.automated_decision) == (True, False)
    assert (said.redress.internal, said.redress.days, said.redress.judicial) == (
        "disputes@provider.example",
        30,
        True,
    )
    assert said.profiles == ()


def test_a_letter_that_restricts_nothing_states_none(home: Deployment) -> None:
    plan_id = a_plan(home.engine, kind=NoticeKind.REINSTATEMENT)
    (notice,) = notices_of(home.engine, plan_id)
    with pytest.raises(NotFoundError, match="states no reasons"):
        reasons_of_notice(home, notice.id)


def test_the_statement_of_a_notice_is_shown_with_its_digest(home: Deployment) -> None:
    plan_id = a_plan(home.engine)
    (notice,) = notices_of(home.engine, plan_id)
    found = reasons_of_notice(home, notice.id)
    assert found.sha256 == digest(to_document(found.statement))
    with reading(home.engine) as session:
        assert found.plan_sha256 == session.get_one(NoticePlan, plan_id).sha256
    assert (found.notice.id, found.notice.dispatched_at, found.notice.message_sha256) == (
        notice.id,
        None,
        None,
    )


MISSING = {
    "the measure, in words": lambda said: replace(said, restricts=""),
    "the facts, dated": lambda said: replace(said, facts=()),
    "the ground of the contract or the law": lambda said: replace(said, ground=""),
    "why the facts fall under that ground": lambda said: replace(said, explanation=()),
    "what the notice of a third party said": lambda said: replace(said, source=Source.THIRD_PARTY_NOTICE),
    "how to complain to the provider": lambda said: replace(said, redress=replace(said.redress, internal="")),
    "where it holds": lambda said: replace(said, territory=""),
    "how long it lasts": lambda said: replace(said, lasts_hours=None),
    "a body for settlement out of court": lambda said: replace(
        said, redress=replace(said.redress, out_of_court=())
    ),
    "the way to the courts": lambda said: replace(said, redress=replace(said.redress, judicial=False)),
    "a ground of the terms (article 3(1)(c))": lambda said: replace(said, ground_kind=GroundKind.LAW),
    "two mediators (article 12)": lambda said: replace(
        said, redress=replace(said.redress, mediators=("CEDR",))
    ),
}


@pytest.mark.parametrize(
    ("profile", "name"), [(profile, name) for profile, names in REQUIRED.items() for name in names]
)
def test_a_statement_without_what_a_law_wants_is_faulted(
    home: Deployment, tmp_path: Path, profile: ReasonProfile, name: str
) -> None:
    whole = the_statement(home.engine, tmp_path)
    assert profile_faults(whole) == ()
    faults = profile_faults(MISSING[name](replace(whole, profiles=(profile,))))
    assert [fault for fault in faults if f"lacks {name}," in fault], faults
    assert profile_faults(MISSING[name](replace(whole, profiles=()))) == (), "off: nothing is wanted"


def test_a_profile_is_off_until_counsel_turns_it_on_and_then_refuses_what_lacks(home: Deployment) -> None:
    assert not any(each.in_force for each in list_profiles(home, NOON))
    with reading(home.engine) as session:
        position = contract_at(session, "acme", NOON)
    provider = position.provider_id
    standing = set_profile(
        home, "cora", NOON, provider, ReasonProfile.EU_2022_2065, in_force=True, source="opinion 2015-7"
    )
    assert standing.in_force
    with reading(home.engine) as session:
        now = contract_at(session, "acme", NOON)
        assert now.versions != position.versions, "what was proposed before is void"
        assert now.notice_terms is not None
        served = recipients(session, "acme", now.notice_terms.address_roles, NOON)
        assert chain_faults(session) == []
    with pytest.raises(Refused, match=r"lacks a body for settlement out of court.*2022/2065"):
        draft_plan(now, served, a_letter())
    set_profile(
        home,
        "cora",
        NOON,
        provider,
        ReasonProfile.EU_2022_2065,
        in_force=True,
        source="opinion 2015-8",
        out_of_court=["the settlement body of Ireland"],
    )
    with reading(home.engine) as session:
        drafted = draft_plan(contract_at(session, "acme", NOON), served, a_letter())
    assert drafted.statement is not None
    assert drafted.statement.redress.out_of_court == ("the settlement body of Ireland",)
    assert "You may also turn to the settlement body of Ireland, and to the courts." in drafted.body
    set_profile(
        home, "cora", NOON, provider, ReasonProfile.EU_2022_2065, in_force=False, source="opinion 2015-9"
    )
    with reading(home.engine) as session:
        assert profiles_in_force(session, provider, None, NOON) == ()
        versions = session.scalars(select(ReasonProfileVersion.version)).all()
    assert sorted(versions) == [1, 2, 3], "nothing that was so is lost"


def test_a_profile_of_a_contracting_entity_holds_for_its_contracts_alone(
    home: Deployment, tmp_path: Path
) -> None:
    load_rows(home.engine, tmp_path, a_row(), a_row(tenant_id="other"), a_row(tenant_id="third"))
    for tenant, entity in (("acme", "Provider International B.V."), ("other", "Provider Inc.")):
        _load_contract_of(home, tmp_path, tenant, entity)

    def on_for(tenant: str) -> list[ReasonProfile]:
        with reading(home.engine) as session:
            position = contract_at(session, tenant, NOON)
        return [each.profile for each in position.reason_profiles]

    def turn(on: bool, entity: str | None) -> ProfileStanding:
        return set_profile(
            home,
            "cora",
            NOON,
            "provider",
            ReasonProfile.EU_2022_2065,
            in_force=on,
            source="opinion",
            entity=entity,
        )

    whose = turn(True, "Provider International B.V.")
    assert (whose.entity, whose.in_force) == ("Provider International B.V.", True)
    assert [on_for(each) for each in ("acme", "other", "third")] == [[ReasonProfile.EU_2022_2065], [], []]
    turn(True, None)
    turn(False, "Provider International B.V.")
    assert [on_for(each) for each in ("acme", "other", "third")] == [[], *[[ReasonProfile.EU_2022_2065]] * 2]
    listed = {
        each.entity: each.in_force
        for each in list_profiles(home, NOON)
        if each.profile is ReasonProfile.EU_2022_2065
    }
    assert listed == {None: True, "Provider Inc.": True, "Provider International B.V.": False}
    with pytest.raises(
        NotFoundError, match=r"names the contracting entity 'Provider Ltd\.'; there are Provider Inc\."
    ):
        turn(True, "Provider Ltd.")


def _load_contract_of(home: Deployment, folder: Path, tenant: str, entity: str) -> None:
    file = folder / f"{tenant}.toml"
    file.write_text(
        f'tenant = "{tenant}"\ncontracting_entity = "{entity}"\n[[documents]]\nname = "MSA"\n'
        'kind = "existing_agreement"\ntitle = "Master agreement"\nsays = { right = "clause_2_4" }\n'
    )
    load(home, "cora", NOON, file)


def test_only_counsel_turns_a_profile_on_and_names_the_source(home: Deployment) -> None:
    with transaction(home.engine) as session:
        provider = contract_at(session, "acme", NOON).provider_id
        with pytest.raises(Refused) as refused:
            enter_profile(
                Decision(session, actor_named(session, "rita"), NOON),
                provider,
                ReasonProfile.EU_2019_1150,
                in_force=True,
                source=" ",
            )
        assert refused.value.missing == (
            "rita is not counsel",
            "name the source: counsel's opinion, by its number or date",
        )
        with pytest.raises(NotFoundError, match="no provider 'nobody' is on record"):
            enter_profile(
                Decision(session, actor_named(session, "cora"), NOON),
                "nobody",
                ReasonProfile.EU_2019_1150,
                in_force=True,
                source="opinion",
            )
