"""Calls made up from the API's own description: no fault of the program, and no answer that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis.strategies import booleans
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Mount

from cjp_fraud.operations import cases, webhooks
from cjp_fraud.people.model import Role
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.web.api.answers import API
from cjp_fraud.web.api.application import api_application
from cjp_fraud.web.application import queue_application
from cjp_fraud.web.client_limit import ClientLimit
from tests.api_calls import a_token
from tests.case_builders import START
from tests.people_builders import a_user
from tests.queue_pages import DAYS, a_queue
from tests.thoroughness import examples

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]


def _operations() -> list[tuple[str, str]]:
    """Return method and path of what the API describes; to write the description here takes each process a second."""
    routes = [route for route in api_application(None).routes if isinstance(route, APIRoute)]  # type: ignore[arg-type]
    described = [route for route in routes if route.include_in_schema]
    return [(method.lower(), route.path_format) for route in described for method in sorted(route.methods)]


@pytest.fixture(scope="module")
def token_and_schema(
    sqlite_template: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, BaseSchema]]:
    """A token of somebody with every role, and the API as it describes itself, over a case that is worked on."""
    folder = tmp_path_factory.mktemp("api")
    file = folder / "cjp_fraud.db"
    file.write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{file}")
    queue = a_queue(engine, folder, lake=True)
    with transaction(engine) as session:
        a_user(session, "omni", tuple(Role), START - DAYS)
    queue.flagged()
    deployment = queue.deployment
    webhooks.create_endpoint(deployment, "ida", deployment.now, "http://127.0.0.1:9/", ["*"])
    cases.claim(deployment, "rita", deployment.now, "1")
    cases.comment(deployment, "rita", deployment.now, "1", "asked the customer")
    application = queue_application(deployment)
    for route in application.routes:
        if isinstance(route, Mount) and route.path == API:
            # Calls without a token that counts are made by the hundred here.
            route.app.state.refused_limit = ClientLimit(1_000_000, timedelta(minutes=10))  # type: ignore[attr-defined]
    yield a_token(queue, "omni"), schemathesis.openapi.from_asgi(f"{API}/openapi.json", application)
    engine.dispose()


ON_RECORD: Final = {"case": "1", "tenant": "acme", "name": "rolf"}
"""What calls are mostly about, so that they come further than to 404."""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("method", "path"),
    [
        # To make up a body takes seconds before the first call, so only `make test-slow` does.
        pytest.param(method, path, id=f"{method} {path}", marks=() if method == "get" else pytest.mark.slow)
        for method, path in _operations()
    ],
)
def test_every_answer_is_documented(token_and_schema: tuple[str, BaseSchema], method: str, path: str) -> None:
    token, schema = token_and_schema
    operation = schema[path][method.upper()]
    headers = {"Authorization": f"Bearer {token}"}

    @settings(max_examples=examples(2, 20))
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), is_on_record=booleans())
    def fitting_calls(case: Case, is_on_record: bool) -> None:
        if is_on_record:
            case.path_parameters |= {
                name: ON_RECORD.get(name, value) for name, value in case.path_parameters.items()
            }
        case.call_and_validate(headers=headers, checks=CHECKS)

    @settings(max_examples=examples(1, 12))
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def calls_that_do_not_fit(case: Case) -> None:
        case.call_and_validate(headers=headers, checks=[*CHECKS, negative_data_rejection])

    fitting_calls()
    calls_that_do_not_fit()
