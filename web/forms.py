"""Values from outside: forms, JSON objects and queries, read strictly into the vault's types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import parse_qsl

from vault.errors import InvalidInput
from vault.ids import could_be_key
from vault.records import Description, RecordState
from web.problems import BodyNotUnderstood

FIELDS_MAX: Final = 100
PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200


def parse_form(content_type: str, body: bytes) -> Mapping[str, str]:
    """The fields of a URL-encoded form; the last of a name counts. Raises ``BodyNotUnderstood``, ``InvalidInput``."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded" and body:
        raise BodyNotUnderstood("send a form (application/x-www-form-urlencoded)")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=FIELDS_MAX
        )
    except ValueError:
        raise InvalidInput("the form is malformed; load the page anew and try again") from None
    for name, value in fields:
        require_texts(name)
        require_texts(value, field=name)
    return dict(fields)


def parse_json_object(text: bytes | str) -> Mapping[str, object]:
    """A JSON object. Raises ``InvalidInput``."""
    try:
        value = json.loads(text)
        if not isinstance(value, dict):
            raise InvalidInput("a JSON object is needed here")
        for name, each in value.items():
            require_texts(name)
            require_texts(each, field=name)
    except (ValueError, RecursionError):
        raise InvalidInput("this is not valid JSON") from None
    return value


def require_texts(value: object, *, field: str | None = None) -> None:
    """Raises ``InvalidInput`` for half a surrogate pair, which is no character, and NUL, which no database takes."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidInput("a text holds NUL or half a character; remove it", field=field)
    elif isinstance(value, list | dict):
        for each in (*value, *value.values()) if isinstance(value, dict) else value:
            require_texts(each, field=field)


def text_of(values: Mapping[str, object], name: str, default: str = "") -> str:
    """A text among values; JSON null is as good as absent. Raises ``InvalidInput`` for anything else."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a text", field=name)
    return value


def date_of(values: Mapping[str, object], name: str) -> date | None:
    """A date ``2026-03-31`` among values, None when empty. Raises ``InvalidInput``."""
    text = text_of(values, name).strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("this is not a date; write it like 2026-03-31", field=name) from None


def whole_number_of(values: Mapping[str, object], name: str, *, default: int, low: int, high: int) -> int:
    """A whole number among values. Raises ``InvalidInput``."""
    value = values.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidInput(f"{name} must be a whole number from {low} to {high}", field=name)
    return value


def description_of(values: Mapping[str, object], *, default_title: str = "") -> Description:
    """The description among values. Raises ``InvalidInput`` naming the field."""
    return Description.checked(
        title=text_of(values, "title").strip() or default_title,
        dated_on=date_of(values, "dated_on"),
        place=text_of(values, "place"),
        note=text_of(values, "note").replace("\r\n", "\n"),
        reason=text_of(values, "reason").replace("\r\n", "\n"),
    )


def state_of(text: str) -> RecordState | None:
    """A record's state by its code, None when empty. Raises ``InvalidInput``."""
    if not text:
        return None
    try:
        return RecordState(text)
    except ValueError:
        raise InvalidInput("there is no such state", field="state") from None


def cursor(at: datetime, key: str) -> str:
    """Where a page of a list ended, for the address of the next."""
    return f"{at.astimezone(UTC).strftime('%Y%m%dT%H%M%S.%fZ')}_{key}"


def cursor_of(text: str) -> tuple[datetime, str] | None:
    """Where a list goes on, None for its beginning. Raises ``InvalidInput``."""
    if not text:
        return None
    moment, _, key = text.partition("_")
    try:
        at = datetime.strptime(moment, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput("this is not where a page ended", field="before") from None
    if not could_be_key(key):
        raise InvalidInput("this is not where a page ended", field="before")
    return at, key


def title_from(file_name: str) -> str:
    """A title for a file that was given none: its name without folders and ending, or the whole name."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = last.rpartition(".")[0].strip() or last.strip()
    return (stem or f"({len(last)} spaces)")[:300]
