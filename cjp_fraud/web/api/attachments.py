"""Files that are attached to cases: sent as they are, and handed out as bytes of no kind."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from cjp_fraud.operations import attachments
from cjp_fraud.operations.attachments import AttachmentResult, Upload
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.web.answers import file_answer
from cjp_fraud.web.api.access import Call, OnceOnCase, Scoped
from cjp_fraud.web.api.answers import ACTS_ON_CASE, READS_ONE, Acted
from cjp_fraud.web.api.fields import CasePath, IdPath, Line
from cjp_fraud.web.forms import bounded

routes = APIRouter()

CasesReader = Annotated[Call, Depends(Scoped(ApiScope.CASES_READ))]
CasesWriter = Annotated[Call, Depends(Scoped(ApiScope.CASES_WRITE))]

_BYTES: Final[dict[str, Any]] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}


async def _sent_file(request: Request, call: CasesWriter) -> bytes:
    """Return the body of a call that was let in; one that is too large is not held in memory."""
    pieces = bounded(request, attachments.most_bytes(call.deployment))
    return b"".join([piece async for piece in pieces])


@routes.post(
    "/cases/{case}/attachments",
    tags=["cases"],
    response_model=Acted[AttachmentResult],
    responses=ACTS_ON_CASE,
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
def attach(
    call: CasesWriter,
    once: OnceOnCase,
    case: CasePath,
    content: Annotated[bytes, Depends(_sent_file)],
    name: Annotated[Line, Query(description="how the file is called", examples=["calls.csv"])],
) -> Response:
    """Attach a file to a case, its bytes as the body; who does takes part in it, and may not approve it.

    Taken are PDF, pictures, sound, pcap, archives, office documents and text, as their content says; the name must fit.
    The same file under the same name is attached once.
    """
    upload = Upload(name, content)
    return once.act(
        call,
        lambda acting: attachments.attach(acting, call.by, call.now, case, upload),
        body=upload.said,
        case=case,
    )


@routes.get(
    "/cases/{case}/attachments/{attachment_id}",
    tags=["cases"],
    response_class=Response,
    responses=READS_ONE | {200: {"description": "The file.", "content": _BYTES}},
)
def download(call: CasesReader, case: CasePath, attachment_id: IdPath) -> Response:
    """Hand out a file of a case (its id is in `comments` of the case); that the caller got it is on record."""
    return file_answer(attachments.download(call.deployment, call.by, call.now, case, attachment_id))
