"""The confidentiality agreement: versions of its text, and who signed which.

Rule 1: a version never changes; a new one asks everybody again.
Rule 2: a signature is bound to the digest of the text that was read: signing another one than the current is refused.
Rule 3: until somebody publishes a version of their own, the text that ships is version 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId

TEXT_MAX_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementText:
    """What is signed, in both languages."""

    zh: str
    en: str

    @classmethod
    def checked(cls, *, zh: str, en: str) -> AgreementText:
        """A text from outside. Raises ``InvalidInput`` naming the field."""
        said = {}
        for field, text in (("zh", zh), ("en", en)):
            clean = text.replace("\r\n", "\n").strip()
            if not clean:
                raise InvalidInput("an agreement has its text in Chinese and in English; give both", field=field)
            if len(clean) > TEXT_MAX_CHARACTERS:
                raise InvalidInput(f"the text is longer than {TEXT_MAX_CHARACTERS} characters; shorten it", field=field)
            said[field] = clean
        return cls(**said)

    @property
    def sha256(self) -> bytes:
        """The digest that a signature binds."""
        return hashlib.sha256(f"{self.zh}\0{self.en}".encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementVersion:
    """A version as it is kept; ``sealed`` opens to its text."""

    version: int
    sealed: bytes
    text_sha256: bytes
    published_by: PersonId
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSignature:
    """Somebody signed a version."""

    version: int
    person_id: PersonId
    text_sha256: bytes
    signed_at: datetime


SHIPPED: Final = AgreementText(
    zh="""保密承诺

一、我只因工作需要调阅档案，并在每次调阅时如实说明用途。
二、我不将档案内容告知、出示、复制或转交给无权知悉的人，离职后仍然如此。
三、我不将档案带出规定的场所和系统；确需外带的，先经批准。
四、我妥善保管自己的登录凭据，不借给他人，也不使用他人的凭据。
五、发现泄露、丢失或误用，我立即报告。
六、我知悉每次调阅均被记录并可能被检查，违反承诺须承担纪律责任与法律责任。""",
    en="""Confidentiality agreement

1. I open records only where my work needs it, and say truthfully each time what for.
2. I do not tell, show, copy or hand on what they contain to anybody who may not know it, also after I have left.
3. I do not take records out of the places and systems meant for them unless that was approved before.
4. I keep my means of signing in to myself, lend them to nobody and use nobody else's.
5. I report a leak, a loss or a misuse at once.
6. I know that every opening is logged and may be looked at, and that I answer for a breach.""",
)
"""The text of version 1 until somebody publishes another."""
