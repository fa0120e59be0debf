"""Users, the roster, tokens and webhooks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from cjp_fraud.operations import api_tokens, case_queue, people, roster, webhooks
from cjp_fraud.operations.api_tokens import TokenView
from cjp_fraud.operations.case_queue import SharedView
from cjp_fraud.operations.people import UserView
from cjp_fraud.operations.roster import PageView, TurnView
from cjp_fraud.operations.webhooks import DeliveryView, EndpointView, NewSecret
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.people.model import Role
from cjp_fraud.web.api.access import ActsOnce, Call, Scoped
from cjp_fraud.web.api.answers import ACTS, READS, READS_ONE, Acted, Page, answer
from cjp_fraud.web.api.bodies import IdentityOf, NewTurn, NewUser, NewWebhook, RoleReach
from cjp_fraud.web.api.fields import IdPath, NamePath
from cjp_fraud.web.api.paging import After, Limit, page_of
from cjp_fraud.webhooks.model import DeliveryState

routes = APIRouter()

UsersReader = Annotated[Call, Depends(Scoped(ApiScope.USERS_READ))]
UsersWriter = Annotated[Call, Depends(Scoped(ApiScope.USERS_WRITE))]
WebhooksReader = Annotated[Call, Depends(Scoped(ApiScope.WEBHOOKS_READ))]
WebhooksWriter = Annotated[Call, Depends(Scoped(ApiScope.WEBHOOKS_WRITE))]
RolePath = Annotated[Role, Path(description="Role of the user.")]


@routes.get("/users", tags=["users"], response_model=Page[UserView], responses=READS)
def list_users(call: UsersReader, limit: Limit = 100, after: After = None) -> Response:
    """List users by their names, with their roles."""
    listed = people.list_users(call.deployment)
    return answer(page_of(listed, lambda each: each.name, after=after, limit=limit))


@routes.post("/users", tags=["users"], response_model=Acted[UserView], status_code=201, responses=ACTS)
def create_user(call: UsersWriter, once: ActsOnce, body: NewUser) -> Response:
    """Put a user on record; new users and new roles approve nothing for 24 hours."""
    return once.act(
        call,
        lambda acting: people.create_user(
            acting,
            call.by,
            call.now,
            body.name,
            body.roles,
            identities=body.identities,
            display_name=body.display_name,
        ),
        body=body.said(),
        status=201,
    )


@routes.post("/users/{name}/identities", tags=["users"], response_model=Acted[UserView], responses=ACTS)
def add_identity(call: UsersWriter, once: ActsOnce, name: NamePath, body: IdentityOf) -> Response:
    """Put one more identity of a user on record."""
    return once.act(
        call,
        lambda acting: people.add_identity(acting, call.by, call.now, name, body.identity),
        body=body.said(),
    )


@routes.put("/users/{name}/roles/{role}", tags=["users"], response_model=Acted[UserView], responses=ACTS)
def grant_role(
    call: UsersWriter, once: ActsOnce, name: NamePath, role: RolePath, body: RoleReach | None = None
) -> Response:
    """Give a user a role, for all cases or some; nobody grants to themself. Another reach gives it anew."""
    reach = body or RoleReach()
    return once.act(
        call,
        lambda acting: people.grant_role(
            acting, call.by, call.now, name, role, channels=reach.channels, countries=reach.countries
        ),
        body=reach.said(),
    )


@routes.delete("/users/{name}/roles/{role}", tags=["users"], response_model=Acted[UserView], responses=ACTS)
def revoke_role(call: UsersWriter, once: ActsOnce, name: NamePath, role: RolePath) -> Response:
    """Take a role from a user."""
    return once.act(call, lambda acting: people.revoke_role(acting, call.by, call.now, name, role))


@routes.post("/users/{name}/disabling", tags=["users"], response_model=Acted[UserView], responses=ACTS)
def disable_user(call: UsersWriter, once: ActsOnce, name: NamePath) -> Response:
    """Let a user act no more."""
    return once.act(call, lambda acting: people.disable_user(acting, call.by, call.now, name))


@routes.get("/shared-views", tags=["users"], response_model=Page[SharedView], responses=READS)
def list_shared_views(call: UsersReader, limit: Limit = 100, after: After = None) -> Response:
    """List the views of the queue that people share, with who keeps them."""
    listed = case_queue.list_views(call.deployment)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit))


@routes.delete("/shared-views/{view}", tags=["users"], response_model=Acted[SharedView], responses=ACTS)
def remove_shared_view(call: UsersWriter, once: ActsOnce, view: IdPath) -> Response:
    """Remove a view of the queue that somebody shares."""
    return once.act(call, lambda acting: case_queue.remove_view(acting, call.by, call.now, view))


@routes.get("/roster", tags=["roster"], response_model=Page[TurnView], responses=READS)
def list_turns(call: UsersReader, limit: Limit = 100, after: After = None) -> Response:
    """List who is on call to approve, when, and how they are paged."""
    listed = roster.list_turns(call.deployment, call.now)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit))


@routes.post("/roster", tags=["roster"], response_model=Acted[TurnView], status_code=201, responses=ACTS)
def add_turn(call: UsersWriter, once: ActsOnce, body: NewTurn) -> Response:
    """Put a turn on the roster."""
    return once.act(
        call,
        lambda acting: roster.add_turn(acting, call.by, call.now, body.wanted),
        body=body.said(),
        status=201,
    )


@routes.delete("/roster/{turn}", tags=["roster"], response_model=Acted[TurnView], responses=ACTS)
def remove_turn(call: UsersWriter, once: ActsOnce, turn: IdPath) -> Response:
    """Take a turn off the roster."""
    return once.act(call, lambda acting: roster.remove_turn(acting, call.by, call.now, turn))


@routes.get("/roster/pages", tags=["roster"], response_model=Page[PageView], responses=READS)
def list_pages(call: UsersReader, limit: Limit = 100, after: After = None) -> Response:
    """List the newest pages about proposals that waited for approval, the newest first."""
    listed = roster.list_pages(call.deployment, most=1_000)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.get("/tokens", tags=["tokens"], response_model=Page[TokenView], responses=READS)
def list_tokens(call: UsersReader, limit: Limit = 100, after: After = None) -> Response:
    """List everybody's tokens, the newest first, without their texts. Tokens are made by people, not by tokens."""
    listed = api_tokens.list_tokens(call.deployment, call.now)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.delete("/tokens/{token_id}", tags=["tokens"], response_model=Acted[TokenView], responses=ACTS)
def revoke_token(call: UsersWriter, once: ActsOnce, token_id: IdPath) -> Response:
    """Let a token count no more."""
    return once.act(call, lambda acting: api_tokens.revoke_token(acting, call.by, call.now, token_id))


@routes.get("/webhooks", tags=["webhooks"], response_model=Page[EndpointView], responses=READS)
def list_webhooks(call: WebhooksReader, limit: Limit = 100, after: After = None) -> Response:
    """List the endpoints of webhooks, the newest first, without their secrets."""
    listed = webhooks.list_endpoints(call.deployment, call.now)
    return answer(page_of(listed, lambda each: each.id, after=after, limit=limit, newest_first=True))


@routes.post("/webhooks", tags=["webhooks"], response_model=Acted[NewSecret], status_code=201, responses=ACTS)
def create_webhook(call: WebhooksWriter, once: ActsOnce, body: NewWebhook) -> Response:
    """Tell another system of events from now on; the secret that signs them is answered here alone."""
    return once.act(
        call,
        lambda acting: webhooks.create_endpoint(acting, call.by, call.now, body.url, body.events),
        body=body.said(),
        status=201,
    )


@routes.post(
    "/webhooks/{endpoint}/secrets", tags=["webhooks"], response_model=Acted[NewSecret], responses=ACTS
)
def rotate_secret(call: WebhooksWriter, once: ActsOnce, endpoint: IdPath) -> Response:
    """Make a further secret; those before it sign beside it for 24 hours more."""
    return once.act(call, lambda acting: webhooks.rotate_secret(acting, call.by, call.now, endpoint))


@routes.delete("/webhooks/{endpoint}", tags=["webhooks"], response_model=Acted[EndpointView], responses=ACTS)
def disable_webhook(call: WebhooksWriter, once: ActsOnce, endpoint: IdPath) -> Response:
    """Tell an endpoint nothing more."""
    return once.act(call, lambda acting: webhooks.disable_endpoint(acting, call.by, call.now, endpoint))


@routes.get(
    "/webhooks/{endpoint}/deliveries",
    tags=["webhooks"],
    response_model=Page[DeliveryView],
    responses=READS_ONE,
)
def list_deliveries(
    call: WebhooksReader,
    endpoint: IdPath,
    state: DeliveryState | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """List what was or will be sent to an endpoint, the newest first."""
    listed = webhooks.list_deliveries(
        call.deployment, endpoint=endpoint, state=state, limit=limit + 1, after=after
    )
    items = listed[:limit]
    return answer({"items": items, "next_cursor": items[-1].id if len(listed) > limit else None})


@routes.post(
    "/webhooks/deliveries/{delivery}/again",
    tags=["webhooks"],
    response_model=Acted[DeliveryView],
    responses=ACTS,
)
def send_again(call: WebhooksWriter, once: ActsOnce, delivery: IdPath) -> Response:
    """Send an event that was given up once more."""
    return once.act(call, lambda acting: webhooks.send_again(acting, call.by, call.now, delivery))
