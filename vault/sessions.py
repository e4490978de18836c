"""Sessions: who is signed in, where, and when they last proved to be who they are.

Rule 1: of a session's token only the SHA-256 is kept. The token is renewed whenever its holder proves themselves.
Rule 2: from where somebody came (address, browser) is personal: sealed under their leaf.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.errors import NotSignedIn
from vault.ids import PersonId, SessionId

SESSION_LIFETIME: Final = timedelta(hours=12)
SESSION_IDLE: Final = timedelta(hours=1)
TOUCH_AFTER: Final = timedelta(minutes=1)
FRESH: Final = timedelta(minutes=5)
"""How long a proof counts before something grave is done."""
CLIENT_MAX_CHARACTERS: Final = 200


class SessionKind(StrEnum):
    """What somebody signed in with."""

    BROWSER = "browser"
    PROGRAM = "program"
    COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """From where somebody comes: the network address, what the program calls itself, and the device's cookie, if any.

    ``local`` is somebody at the machine itself, whom limits on guesses from the network do not touch.
    """

    kind: SessionKind = SessionKind.BROWSER
    address: str = "unknown"
    agent: str = ""
    device: str | None = None

    @property
    def local(self) -> bool:
        """Whether this is the machine's own command line."""
        return self.kind is SessionKind.COMMAND_LINE

    def shortened(self) -> Client:
        """The same without what is too long to show, or could not be shown."""
        said = "".join(character for character in self.agent if character.isprintable())
        return replace(self, agent=said[:CLIENT_MAX_CHARACTERS], address=self.address[:CLIENT_MAX_CHARACTERS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser, program or command line. ``sealed_client`` opens to where it was begun."""

    id: SessionId
    token_sha256: bytes
    person_id: PersonId
    kind: SessionKind
    csrf_token: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    stepped_up_at: datetime | None
    sealed_client: bytes

    def is_live(self, *, now: datetime) -> bool:
        """Whether it neither expired nor was left alone for an hour."""
        # A session seen well after now was made before the clock was set back; it would live on until then.
        return now < self.expires_at and abs(now - self.seen_at) < SESSION_IDLE

    def require_live(self, *, now: datetime) -> None:
        """Raises ``NotSignedIn`` when it has ended."""
        if not self.is_live(now=now):
            raise NotSignedIn("your session has ended; sign in again")
