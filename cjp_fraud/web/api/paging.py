"""Pages of lists by key: nothing is skipped or shown twice where rows are added between two pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

_ViewT = TypeVar("_ViewT")

MOST_ON_A_PAGE: Final = 1_000

Limit = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE, description="Most items on the page.")]
After = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=400,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="`next_cursor` of the page before; absent: the first page.",
    ),
]


def page_of(
    views: Iterable[_ViewT],
    key: Callable[[_ViewT], str],
    *,
    after: str | None,
    limit: int,
    newest_first: bool = False,
) -> dict[str, Any]:
    """Return a page of views in the order of their keys: ``{items, next_cursor}``.

    Parameters
    ----------
    key : of each view its own; an id that grows with time, or a name.
    after : key of the last view of the page before; None: the first page.
    newest_first : the greatest key first.
    """
    ordered = sorted(views, key=key, reverse=newest_first)
    if after is not None:
        ordered = [view for view in ordered if (key(view) < after if newest_first else key(view) > after)]
    items = ordered[:limit]
    return {"items": items, "next_cursor": key(items[-1]) if len(ordered) > limit else None}
