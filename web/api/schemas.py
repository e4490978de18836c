"""The shapes that the API takes and gives, as JSON Schema (2020-12), for its description."""

from __future__ import annotations

from typing import Any, Final

from vault.disposition import Standing
from vault.links import LIFETIME_MAX, PASS_CODE_MAX_CHARACTERS, PASS_CODE_MIN_CHARACTERS, USES_MAX
from vault.people import LANGUAGES
from vault.permissions import Action
from vault.tokens import TOKEN_LIFETIME_MAX

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
_MAYBE_WHOLE: Final[Schema] = {"type": ["integer", "null"], "minimum": 0}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_MAYBE_MOMENT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_DATE: Final[Schema] = {"type": ["string", "null"], "format": "date"}
_SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_YES_NO: Final[Schema] = {"type": "boolean"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _asked(properties: dict[str, Schema], *required: str) -> Schema:
    return _object(properties, optional=tuple(name for name in properties if name not in required))


def _page(of: str, name: str) -> Schema:
    return _object({of: {"type": "array", "items": _ref(name)}, "next": _MAYBE_TEXT})


_RECORD: Final[dict[str, Schema]] = {
    "id": _TEXT,
    "number": _TEXT,
    "class": _TEXT,
    "state": _TEXT,
    "customer": {"anyOf": [_ref("Customer"), {"type": "null"}]},
    "title": _MAYBE_TEXT,
    "dated_on": _MAYBE_DATE,
    "place": _MAYBE_TEXT,
    "note": _MAYBE_TEXT,
    "file_name": _MAYBE_TEXT,
    "media_type": _MAYBE_TEXT,
    "size_bytes": _MAYBE_WHOLE,
    "sha256": _MAYBE_TEXT,
    "version": _WHOLE,
    "received_at": _MOMENT,
    "filed_at": _MAYBE_MOMENT,
    "trigger_on": _MAYBE_DATE,
    "due_on": _MAYBE_DATE,
}
_DESCRIPTION: Final[dict[str, Schema]] = {"title": _TEXT, "dated_on": _MAYBE_DATE, "place": _TEXT, "note": _TEXT}
_LINK: Final[dict[str, Schema]] = {
    "id": _TEXT,
    "record_id": _TEXT,
    "record_number": _TEXT,
    "version": _WHOLE,
    "state": {"type": "string", "enum": ["open", "expired", "revoked", "used-up"]},
    "note": _TEXT,
    "expires_at": _MOMENT,
    "uses_max": _WHOLE,
    "uses_taken": _WHOLE,
    "pass_code": _YES_NO,
    "created_at": _MOMENT,
    "revoked_at": _MAYBE_MOMENT,
}

_TOKEN: Final[dict[str, Schema]] = {
    "id": _TEXT,
    "name": _TEXT,
    "scopes": {"type": "array", "items": _TEXT},
    "created_at": _MOMENT,
    "expires_at": _MOMENT,
    "last_used_at": _MAYBE_MOMENT,
    "live": _YES_NO,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": _WHOLE,
            "detail": _TEXT,
            "code": _TEXT,
            "field": _TEXT,
            "challenge": _TEXT,
            "reference": _TEXT,
        },
        optional=("field", "challenge", "reference"),
    ),
    "SignIn": _asked({"login": _TEXT, "password": _TEXT, "code": _TEXT}, "login", "password"),
    "Proof": _asked({"code": _TEXT, "password": _TEXT}),
    "SessionView": _object(
        {
            "id": _TEXT,
            "kind": {"type": "string", "enum": ["browser", "program", "command-line"]},
            "address": _TEXT,
            "agent": _TEXT,
            "created_at": _MOMENT,
            "seen_at": _MOMENT,
            "expires_at": _MOMENT,
            "current": _YES_NO,
        }
    ),
    "Sessions": _object({"sessions": {"type": "array", "items": _ref("SessionView")}}),
    "Profile": _object({"login": _TEXT, "name": _TEXT, "language": _TEXT}),
    "ProfileChange": _asked({"name": _TEXT, "language": {"type": "string", "enum": list(LANGUAGES)}}),
    "Token": _object(_TOKEN),
    "MadeToken": _object({**_TOKEN, "token": _TEXT}),
    "Tokens": _object({"tokens": {"type": "array", "items": _ref("Token")}}),
    "NewToken": _asked(
        {
            "name": _TEXT,
            "scopes": {
                "type": "array",
                "items": {"type": "string", "enum": [action.value for action in Action]},
                "minItems": 1,
            },
            "days": {"type": "integer", "minimum": 1, "maximum": TOKEN_LIFETIME_MAX.days, "default": 90},
        },
        "name",
        "scopes",
    ),
    "Person": _object(
        {
            "id": _TEXT,
            "login": _TEXT,
            "name": _TEXT,
            "roles": {"type": "array", "items": _TEXT},
            "active": _YES_NO,
            "second_factor": _YES_NO,
            "sessions": _WHOLE,
            "created_at": _MOMENT,
        }
    ),
    "People": _object({"people": {"type": "array", "items": _ref("Person")}}),
    "NewReset": _asked({"drops_factors": _YES_NO}),
    "Reset": _object({"url": _TEXT}),
    "Session": _object(
        {
            "token": _TEXT,
            "expires_at": _MOMENT,
            "person": _object({"id": _TEXT, "name": _TEXT, "roles": {"type": "array", "items": _TEXT}}),
        }
    ),
    "Class": _object(
        {
            "code": _TEXT,
            "title_zh": _TEXT,
            "title_en": _TEXT,
            "nature": _TEXT,
            "sensitivity": _TEXT,
            "trigger": _TEXT,
            "period_years": _MAYBE_WHOLE,
            "period_months": _WHOLE,
            "action": {"type": "string", "enum": ["destroy", "review", "transfer", "keep"]},
            "lock_mode": _TEXT,
            "mandate": _TEXT,
        }
    ),
    "Classes": _object({"classes": {"type": "array", "items": _ref("Class")}}),
    "NewCustomer": _asked({"name": _TEXT, "note": _TEXT}, "name"),
    "Customer": _object({"id": _TEXT, "number": _TEXT, "name": _TEXT, "note": _TEXT, "created_at": _MOMENT}),
    "CustomerPage": _page("customers", "Customer"),
    "Metadata": _asked(
        {**_DESCRIPTION, "file_name": _TEXT, "class": _TEXT, "customer": _TEXT, "reason": _TEXT}, "file_name", "class"
    ),
    "Receipt": _object(
        {"id": _TEXT, "number": _TEXT, "version": _WHOLE, "size_bytes": _WHOLE, "sha256": _SHA256, "replayed": _YES_NO}
    ),
    "Record": _object(_RECORD),
    "RecordPage": _page("records", "Record"),
    "Version": _object(
        {
            "version": _WHOLE,
            "file_name": _TEXT,
            "media_type": _TEXT,
            "size_bytes": _WHOLE,
            "sha256": _SHA256,
            "created_at": _MOMENT,
            "created_by": _TEXT,
            "lock": _object({"mode": _TEXT, "retain_until": _MOMENT}),
        }
    ),
    "Description": _object(
        {
            "revision": _WHOLE,
            "version": _WHOLE,
            **_DESCRIPTION,
            "reason": _TEXT,
            "created_at": _MOMENT,
            "created_by": _TEXT,
        }
    ),
    "Entry": _object({"number": _WHOLE, "at": _MOMENT, "actor": _TEXT, "event": _TEXT, "detail": {"type": "object"}}),
    "Verdict": _object(
        {
            "standing": {"type": "string", "enum": [each.value for each in Standing]},
            "keep_until": _MAYBE_DATE,
            "may_destroy": _YES_NO,
            "reasons": {
                "type": "array",
                "items": _object({"code": _TEXT, "values": {"type": "object"}, "text": _TEXT}),
            },
        }
    ),
    "RecordStory": _object(
        {
            **_RECORD,
            "verdict": _ref("Verdict"),
            "versions": {"type": "array", "items": _ref("Version")},
            "descriptions": {"type": "array", "items": _ref("Description")},
            "entries": {"type": "array", "items": _ref("Entry")},
        }
    ),
    "Search": _asked({"text": _TEXT, "limit": _WHOLE}, "text"),
    "Found": _object({"records": {"type": "array", "items": _ref("Record")}, "complete": _YES_NO, "indexed": _WHOLE}),
    "Correction": _asked({**_DESCRIPTION, "reason": _TEXT}, "reason"),
    "Filing": _asked({"class": _TEXT, "trigger_on": _MAYBE_DATE}),
    "LinkTerms": _asked(
        {
            "lifetime_s": {"type": "integer", "minimum": 60, "maximum": int(LIFETIME_MAX.total_seconds())},
            "uses_max": {"type": "integer", "minimum": 1, "maximum": USES_MAX},
            "pass_code": {
                "type": "string",
                "minLength": PASS_CODE_MIN_CHARACTERS,
                "maxLength": PASS_CODE_MAX_CHARACTERS,
            },
            "note": _TEXT,
        }
    ),
    "Link": _object(_LINK),
    "NewLink": _object({**_LINK, "url": _TEXT}),
    "LinkPage": _page("links", "Link"),
}
