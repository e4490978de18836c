"""E-mail (.eml): who wrote what to whom, the text, and the names of what is attached."""

from __future__ import annotations

import email
import email.policy
from email.errors import MessageError
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Final

from storage.parsing.piped import Cannot, PipedFile
from storage.parsing.texts import decode, tidied

MAIL_BYTES_MAX: Final = 24 * 1024 * 1024

_HEADERS: Final = ("From", "To", "Cc", "Date", "Subject")
_UNSEEN: Final = frozenset({"script", "style", "head", "title", "template"})
_BLOCKS: Final = frozenset({"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote"})


class _Words(HTMLParser):
    """What a page would say in words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def text_of_mail(file: PipedFile, most: int) -> str:
    """An e-mail as text, so much of it at most. Raises ``Cannot``."""
    return open_mail(file.head(MAIL_BYTES_MAX))[:most]


def open_mail(content: bytes) -> str:
    """The same of bytes. Raises ``Cannot``."""
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        lines = [f"{name}: {message[name]}" for name in _HEADERS if message[name] is not None]
        if not lines:
            raise Cannot("broken")
        attached = [_called(part) for part in message.iter_attachments()] if message.is_multipart() else []
        lines += [f"+ {each}" for each in attached]
        return tidied("\n".join([*lines, "", _body(message)]))
    except (MessageError, ValueError, LookupError, RecursionError) as exc:
        raise Cannot("broken") from exc


def _body(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    content = body.get_payload(decode=True)
    try:
        text = str(body.get_content())
    except (LookupError, UnicodeError):
        text = decode(content if isinstance(content, bytes) else b"")
    if body.get_content_type() != "text/html":
        return text
    words = _Words()
    words.feed(text)
    words.close()
    return "".join(words.pieces)


def _called(part: EmailMessage) -> str:
    return part.get_filename() or part.get_content_type()
