"""Resumable uploads for programs and for our own pages: tus 1.0, with creation, checksum, expiration, termination.

Rule 1: what the protocol does not say of a file travels in Upload-Metadata, the same fields as for a file in one piece.
Rule 2: whose upload it is not, to them there is none.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput
from vault.uploads import Upload, UploadState, require_next, require_open
from vault.workflows import finishing, uploads
from vault.workflows.intake import Receipt
from vault.workflows.uploads import OpenUpload
from web import tus
from web.api.views import receipt_json
from web.bodies import announced_bytes
from web.filings import filing_of, idempotency_key_of
from web.forms import text_of
from web.pieces import Pieces
from web.problems import BodyNotUnderstood, MethodNotAllowed
from web.site import Visit

RECORD_HEADER = "Strongroom-Record"


async def describe_protocol(visit: Visit) -> Response:
    """What is spoken here."""
    headers = {
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(visit.vault.limits.upload_bytes_max),
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


async def begin_upload(visit: Visit) -> Response:
    """Begins an upload; one without bytes is a record at once."""
    request = visit.request
    tus.require_version(request)
    if announced_bytes(request):
        raise BodyNotUnderstood("an upload is begun without a body; send its bytes to the address that you are given")
    told = tus.told(request)
    values = tus.metadata_of(told)
    filing = filing_of(
        visit,
        values,
        text_of(values, "file_name") or text_of(values, "filename"),
        size_bytes=tus.whole_number(request, "Upload-Length"),
        sha256=_declared_sha256(values),
    )

    def begin() -> Upload:
        upload, _ = uploads.begin(
            visit.vault, visit.actor, filing(), told=told, idempotency_key=idempotency_key_of(request)
        )
        if upload.state is UploadState.OPEN and upload.size_bytes == 0:
            finishing.finish(visit.vault, visit.actor, upload)
        return upload

    upload = await visit.site.call(begin)
    location = visit.path("api-upload", upload=upload.id)
    return Response(status_code=201, headers={"Location": location, **tus.standing(upload)})


async def list_uploads(visit: Visit) -> Response:
    """What whoever asks has under way."""
    found = await visit.site.call(uploads.list_open, visit.vault, visit.actor)
    return JSONResponse({"uploads": [_document(upload, None) for upload in found]})


async def show_upload(visit: Visit) -> Response:
    """Where an upload is: as the protocol says (HEAD), or as a document with the receipt (GET)."""
    upload_id = visit.parameter("upload")
    upload = await visit.site.call(uploads.find, visit.vault, visit.actor, upload_id)
    if visit.request.method == "HEAD":
        tus.require_version(visit.request)
        return await _answer_head(visit, upload)
    receipt = None
    if upload.state is UploadState.OPEN and upload.is_whole:
        async with visit.site.underway.adding(upload_id), visit.site.uploads.place():
            upload = await visit.site.call(uploads.find, visit.vault, visit.actor, upload_id)
            receipt = await visit.site.call(finishing.finish, visit.vault, visit.actor, upload)
        upload = await visit.site.call(uploads.find, visit.vault, visit.actor, upload_id)
    elif upload.state is UploadState.FINISHED:
        receipt = await visit.site.call(finishing.receipt_of, visit.vault, visit.actor, upload)
    return JSONResponse(_document(upload, receipt))


async def _answer_head(visit: Visit, upload: Upload) -> Response:
    if upload.state is UploadState.FINISHED:
        return Response(headers={**tus.standing(upload), RECORD_HEADER: upload.record_id})
    require_open(upload, visit.vault.now())
    opened = await visit.site.call(uploads.find_open, visit.vault, visit.actor, upload.id)
    headers = tus.standing(opened.upload)
    if opened.facts.told:
        headers["Upload-Metadata"] = opened.facts.told
    return Response(headers=headers)


async def append_piece(visit: Visit) -> Response:
    """Adds to an upload; with its last byte it becomes a record before this answers."""
    request, site, upload_id = visit.request, visit.site, visit.parameter("upload")
    tus.require_version(request)
    tus.require_piece(request)
    start_bytes, length = tus.whole_number(request, "Upload-Offset"), announced_bytes(request)
    checksum = tus.Checksum(request)

    def find() -> OpenUpload:
        opened = uploads.find_open(visit.vault, visit.actor, upload_id)
        require_next(opened.upload, start_bytes, length)
        return opened

    await site.call(find)
    async with site.underway.adding(upload_id) as adding, site.uploads.place():
        # Again, now that nobody else adds to it.
        pieces = Pieces(visit, await site.call(find), checksum, adding)
        await pieces.receive()
        upload = await site.call(uploads.find, visit.vault, visit.actor, upload_id)
        headers = {"Upload-Offset": str(pieces.at)}
        if upload.state is UploadState.OPEN and upload.is_whole:
            receipt = await site.call(finishing.finish, visit.vault, visit.actor, upload)
            headers[RECORD_HEADER] = receipt.record_id
        else:
            headers = {**tus.standing(upload), **headers}
    return Response(status_code=204, headers=headers)


async def end_upload(visit: Visit) -> Response:
    """Gives an upload up; whoever still adds to it is told so."""
    tus.require_version(visit.request)
    await visit.site.call(uploads.terminate, visit.vault, visit.actor, visit.parameter("upload"))
    return Response(status_code=204)


async def override_method(visit: Visit) -> Response:
    """PATCH and DELETE for clients that cannot send these: a POST that names them."""
    named = visit.request.headers.get("x-http-method-override", "").upper()
    if named == "PATCH":
        return await append_piece(visit)
    if named == "DELETE":
        return await end_upload(visit)
    raise MethodNotAllowed("name PATCH or DELETE in X-HTTP-Method-Override, or send that method")


def _declared_sha256(values: dict[str, object]) -> bytes | None:
    text = text_of(values, "sha256").strip()
    if not text:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise InvalidInput("sha256 is the file's digest in 64 hexadecimal digits", field="sha256")
    return digest


def _document(upload: Upload, receipt: Receipt | None) -> dict[str, object]:
    return {
        "id": upload.id,
        "state": upload.state.value,
        "ended": upload.end.value if upload.end is not None else None,
        "offset_bytes": upload.offset_bytes,
        "size_bytes": upload.size_bytes,
        "expires_at": upload.expires_at.isoformat() if upload.state is UploadState.OPEN else None,
        "receipt": receipt_json(receipt) if receipt is not None else None,
    }
