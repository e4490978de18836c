"""Resumable uploads, described."""

from __future__ import annotations

from typing import Final

from vault.uploads import UploadEnd, UploadState
from web.api.operations import Operation, header
from web.api.shapes import MAYBE_MOMENT, TEXT, WHOLE, Schema, choice, many, maybe, ref, shape

SCHEMAS: Final[dict[str, Schema]] = {
    "Upload": shape(
        {
            "id": TEXT,
            "state": choice(UploadState),
            "ended": maybe(choice(UploadEnd)),
            "offset_bytes": WHOLE,
            "size_bytes": WHOLE,
            "expires_at": MAYBE_MOMENT,
            "receipt": maybe(ref("Receipt")),
        }
    ),
    "Uploads": shape({"uploads": many(ref("Upload"))}),
}

_TUS: Final = header("Tus-Resumable", "1.0.0", required=True)
_PIECE_HEADERS: Final = (
    header("Upload-Offset", "Where these bytes go: where the upload is"),
    header("Upload-Checksum", "`sha1` or `sha256` and the base64 digest of this body"),
)
_PROBLEMS: Final = (404, 408, 409, 410, 412, 413, 415, 422, 423, 429, 460)

OPERATIONS: Final[dict[str, Operation]] = {
    "api-upload-protocol": Operation(
        tag="uploads", summary="Which tus is spoken: version, extensions, largest file", answers={204: ("Told", None)}
    ),
    "api-begin-upload": Operation(
        tag="uploads",
        summary="Begin a resumable upload (tus 1.0); its address is in `Location`",
        answers={201: ("Begun", None)},
        headers=(
            _TUS,
            header("Upload-Length", "How many bytes the file has", required=True),
            header(
                "Upload-Metadata",
                "Pairs of a key and a base64 text: filename, class, customer, title, dated_on, place, note, sha256",
                required=True,
            ),
            header("Idempotency-Key", "Beginning again under the same key gives the same upload"),
        ),
        problems=(409, 410, 412, 413, 415, 422, 423, 429),
    ),
    "api-uploads": Operation(
        tag="uploads", summary="Your uploads under way, oldest first", answers={200: ("Uploads", "Uploads")}
    ),
    "api-upload": Operation(
        tag="uploads",
        summary="Where an upload is, with its receipt once it is a record; by HEAD as tus says",
        answers={200: ("The upload", "Upload")},
        problems=_PROBLEMS,
    ),
    "api-append-piece": Operation(
        tag="uploads",
        summary="Add bytes to an upload; with the last one it becomes a record, named in `Strongroom-Record`",
        answers={204: ("What came is durable, up to `Upload-Offset`", None)},
        headers=(_TUS, *_PIECE_HEADERS),
        problems=_PROBLEMS,
    ),
    "api-end-upload": Operation(
        tag="uploads",
        summary="Give an upload up",
        answers={204: ("Ended", None)},
        headers=(_TUS,),
        problems=_PROBLEMS,
    ),
    "api-override-method": Operation(
        tag="uploads",
        summary="PATCH or DELETE for clients that cannot send these",
        answers={204: ("Done", None)},
        headers=(_TUS, header("X-HTTP-Method-Override", "PATCH or DELETE", required=True), *_PIECE_HEADERS),
        problems=(405, *_PROBLEMS),
    ),
}
