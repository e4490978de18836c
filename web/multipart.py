"""Forms with files, parsed while they arrive (RFC 7578): events in order, file bytes never collected, nothing on disk.

Rule 1: text fields come before files; they are few and short. A file's bytes are views into the chunk they came in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vault.errors import InvalidInput
from web.bodies import FORM_BYTES_MAX, RequestBody
from web.forms import require_texts

PARTS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class TextField:
    """A whole text field."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegins:
    """A file field begins; ``file_name`` is empty when nobody chose a file."""

    name: str
    file_name: str


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The next bytes of the file that began last."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class FileEnds:
    """The file that began last is whole."""


Event = TextField | FileBegins | FileBytes | FileEnds


def _text(raw: bytes, *, field: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{field} is not valid UTF-8", field=field) from None


class _Collector:
    """The parser's callbacks: turns what it sees in one chunk into events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = False
        self._parts = 0
        self._text_bytes = 0
        self._begin_part()

    def _begin_part(self) -> None:
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition = b""
        self._name, self._is_file = "", False
        self._value = bytearray()

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise InvalidInput(f"the form has more than {PARTS_MAX} parts; send fewer files at once")
        self._begin_part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name, self._header_value = bytearray(), bytearray()

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise InvalidInput("a part of the form has no name")
        self._name = _text(options[b"name"], field="form")
        self._is_file = b"filename" in options
        if self._is_file:
            file_name = _text(options[b"filename"].replace(b"%22", b'"'), field="file_name")
            self.events.append(FileBegins(self._name, file_name))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.events.append(FileBytes(memoryview(data)[start:end]))
            return
        self._text_bytes += end - start
        if self._text_bytes > FORM_BYTES_MAX:
            raise InvalidInput(f"the form's fields are longer than {FORM_BYTES_MAX} bytes; shorten them")
        self._value += data[start:end]

    def on_part_end(self) -> None:
        if self._is_file:
            self.events.append(FileEnds())
        else:
            value = _text(bytes(self._value), field=self._name)
            require_texts(value, field=self._name)
            self.events.append(TextField(self._name, value))

    def on_end(self) -> None:
        self.ended = True


async def parse_form(body: RequestBody, content_type: str) -> AsyncGenerator[Event, None]:
    """The events of a form, in order. Raises ``InvalidInput`` for what is no form, or ends early."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not 1 <= len(options.get(b"boundary", b"")) <= 70:
        raise InvalidInput("the request is not a form with files (multipart/form-data)")
    collector = _Collector()
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": collector.on_part_begin,
            "on_header_field": collector.on_header_field,
            "on_header_value": collector.on_header_value,
            "on_header_end": collector.on_header_end,
            "on_headers_finished": collector.on_headers_finished,
            "on_part_data": collector.on_part_data,
            "on_part_end": collector.on_part_end,
            "on_end": collector.on_end,
        },
    )
    while chunk := await body.read():
        try:
            parser.write(chunk)
        except FormParserError:
            raise InvalidInput("the form is malformed; load the page anew and send it again") from None
        for event in collector.events:
            yield event
        collector.events.clear()
    if not collector.ended:
        raise InvalidInput("the form ended early; send it again")
