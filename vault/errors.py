"""Every error that leaves a room of Strongroom, as one tree.

    StrongroomError
    ├── Refused                     the request breaks a rule; nothing was changed
    │   ├── InvalidInput            a value is missing, malformed or out of range
    │   ├── TooLarge                more bytes than the vault accepts
    │   ├── NotSignedIn             nobody is known to be asking
    │   │   ├── SecondFactorNeeded  the password was right; a code or a passkey is needed too
    │   │   └── IdentityUnknown     the provider knows somebody who is nobody here
    │   ├── StepUpNeeded            whoever is signed in has to prove again that it is them
    │   ├── NotAllowed              the person asking may not do this
    │   │   └── GateClosed          what stands before an opening is not in force; ``subject`` is the record
    │   │       ├── AgreementNeeded
    │   │       ├── TrainingNeeded
    │   │       ├── BorrowingNeeded
    │   │       ├── PurposeNeeded
    │   │       └── AccessSuspended     early warning stopped the person asking; no gate opens until that is lifted
    │   ├── NotFound                no such thing, or not for the person asking
    │   ├── TooManyAttempts         guessed too often; wait
    │   ├── TooManyOpen             somebody has begun more than they may have open at once
    │   ├── UploadEnded             a resumable upload that takes nothing any more
    │   ├── LinkUnusable            a genuine link that no longer opens anything
    │   │   ├── LinkExpired
    │   │   ├── LinkRevoked
    │   │   └── LinkUsedUp
    │   ├── PassCodeWrong
    │   ├── NotReadable             a file cannot be looked into; ``reason`` says why
    │   ├── KeyDestroyed            the key was destroyed; nothing sealed under it opens any more
    │   └── Conflict                the state of the thing does not allow it
    │       ├── AlreadyExists
    │       ├── IdempotencyMismatch
    │       ├── SourceChanged       the bytes changed while they were read
    │       │   └── ChecksumWrong   a piece of an upload is not what its sender says
    │       ├── OffsetWrong         a piece of an upload that does not go on where it is
    │       ├── UploadBusy          another request is adding to this upload, or makes a record of it
    │       ├── NotDue              the schedule keeps it, and nobody may destroy it yet
    │       └── StillLocked         retention in the store has not lapsed
    ├── Unavailable                 a part is away; nothing acknowledged is lost; try again
    │   ├── StoreUnavailable
    │   ├── StoreFull
    │   ├── CatalogueUnavailable
    │   ├── KeeperUnavailable
    │   ├── ParsersUnavailable
    │   ├── TimeStampUnavailable
    │   ├── ReceiverUnavailable     whom a message is for does not answer
    │   ├── ProviderUnavailable
    │   └── Overloaded
    └── Broken                      a promise does not hold; somebody has to look
        ├── SealBroken              bytes are not what was sealed
        ├── ObjectMissing           the store does not have what the catalogue names
        ├── LockNotKept             the store did not keep a lock that it was given
        ├── CatalogueBroken         catalogue and vault do not belong together
        ├── CatalogueOlder          the catalogue is from before a destruction: a restored copy
        ├── KeepersBehind           no keeper has the root that the catalogue names
        └── SettingsWrong           the installation is not set up as it must be

Rule 1: only these leave an adapter (``raise ... from exc``).
Rule 2: a message names the thing and the way out, and holds no personal data: messages are logged.
Rule 3: ``code`` is stable; programs rely on it, pages translate by it.
"""

from __future__ import annotations

from typing import ClassVar


class StrongroomError(Exception):
    """The root of the tree; never raised itself."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class Refused(StrongroomError):
    """The request breaks a rule; nothing was changed."""

    code = "refused"


class InvalidInput(Refused):
    """A value is missing, malformed or out of range; ``field`` names it where one is to blame."""

    code = "invalid-input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooLarge(Refused):
    """More bytes than the vault accepts."""

    code = "too-large"


class NotSignedIn(Refused):
    """Nobody is known to be asking."""

    code = "not-signed-in"


class SecondFactorNeeded(NotSignedIn):
    """The password was right; a code or a passkey is needed too. ``challenge`` is the token to come back with."""

    code = "second-factor-needed"

    def __init__(self, message: str, *, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class IdentityUnknown(NotSignedIn):
    """The provider has signed somebody in who is nobody here. ``subject`` is what it calls them, for them to see."""

    code = "identity-unknown"

    def __init__(self, message: str, *, subject: str = "") -> None:
        super().__init__(message)
        self.subject = subject


class StepUpNeeded(Refused):
    """Whoever is signed in has to prove again that it is them, before something grave."""

    code = "step-up-needed"


class NotAllowed(Refused):
    """The person asking may not do this."""

    code = "not-allowed"


class GateClosed(NotAllowed):
    """What stands before an opening is not in force; never raised itself."""

    code = "gate-closed"

    def __init__(self, message: str, *, subject: str = "") -> None:
        super().__init__(message)
        self.subject = subject


class AgreementNeeded(GateClosed):
    """The current confidentiality agreement is not signed."""

    code = "agreement-needed"


class TrainingNeeded(GateClosed):
    """No passed test is in force."""

    code = "training-needed"


class BorrowingNeeded(GateClosed):
    """The record is not lent to the person asking."""

    code = "borrowing-needed"


class PurposeNeeded(GateClosed):
    """The opening does not say in words what it is for."""

    code = "purpose-needed"


class AccessSuspended(GateClosed):
    """The person asking opens nothing until a security administrator lifts it."""

    code = "access-suspended"


class NotFound(Refused):
    """No such thing, or not for the person asking."""

    code = "not-found"


class TooManyAttempts(Refused):
    """A secret was guessed too often; the caller has to wait."""

    code = "too-many-attempts"


class TooManyOpen(Refused):
    """Somebody has begun more than they may have open at once."""

    code = "too-many-open"


class UploadEnded(Refused):
    """A resumable upload that expired, was given up, or was refused in the end; begin another."""

    code = "upload-ended"


class LinkUnusable(Refused):
    """A genuine link that no longer opens anything."""

    code = "link-unusable"


class LinkExpired(LinkUnusable):
    """The link's time is over."""

    code = "link-expired"


class LinkRevoked(LinkUnusable):
    """Whoever made the link has withdrawn it."""

    code = "link-revoked"


class LinkUsedUp(LinkUnusable):
    """The link has been used as often as it may be."""

    code = "link-used-up"


class PassCodeWrong(Refused):
    """The link's pass code does not match."""

    code = "pass-code-wrong"


class NotReadable(Refused):
    """A file cannot be looked into; ``reason`` is one of ``vault.previews.Unreadable``."""

    code = "not-readable"

    def __init__(self, message: str, *, reason: str = "broken") -> None:
        super().__init__(message)
        self.reason = reason


class KeyDestroyed(Refused):
    """The key was destroyed; nothing sealed under it opens any more, here or from any backup."""

    code = "key-destroyed"


class Conflict(Refused):
    """The state of the thing does not allow it."""

    code = "conflict"


class AlreadyExists(Conflict):
    """The name is taken."""

    code = "already-exists"


class IdempotencyMismatch(Conflict):
    """The idempotency key was used before, for something else."""

    code = "idempotency-mismatch"


class SourceChanged(Conflict):
    """The bytes changed, or ended early, while they were read."""

    code = "source-changed"


class ChecksumWrong(SourceChanged):
    """A piece of an upload is not what its sender says; nothing of it counts."""

    code = "checksum-wrong"


class OffsetWrong(Conflict):
    """A piece of an upload does not go on where the upload is; ask where that is."""

    code = "offset-wrong"


class UploadBusy(Conflict):
    """Another request is adding to this upload, or makes a record of it."""

    code = "upload-busy"


class NotDue(Conflict):
    """The schedule keeps it: its period is not over, not known, or without an end."""

    code = "not-due"


class StillLocked(Conflict):
    """Retention in the store has not lapsed."""

    code = "still-locked"


class Unavailable(StrongroomError):
    """A part is away; nothing acknowledged is lost; trying again may succeed."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class StoreUnavailable(Unavailable):
    """The object store does not answer, or answers that it cannot now."""

    code = "store-unavailable"


class StoreFull(Unavailable):
    """The object store has no room left."""

    code = "store-full"


class CatalogueUnavailable(Unavailable):
    """The catalogue's database does not answer, is locked too long, or is full."""

    code = "catalogue-unavailable"


class KeeperUnavailable(Unavailable):
    """The keeper of the root key does not answer or stays sealed."""

    code = "keeper-unavailable"


class ParsersUnavailable(Unavailable):
    """Files cannot be looked into on this machine now: their parsers cannot be started, or not be confined."""

    code = "parsers-unavailable"


class TimeStampUnavailable(Unavailable):
    """The time stamping authority does not answer, or gives no stamp now."""

    code = "time-stamp-unavailable"


class ReceiverUnavailable(Unavailable):
    """Whom a message is for does not answer, or its name has no address."""

    code = "receiver-unavailable"


class ProviderUnavailable(Unavailable):
    """The provider of OpenID Connect does not answer, or not as one does; passwords and passkeys work."""

    code = "provider-unavailable"


class Overloaded(Unavailable):
    """More work at once than the process takes on."""

    code = "overloaded"


class Broken(StrongroomError):
    """A promise does not hold; somebody has to look."""

    code = "broken"


class SealBroken(Broken):
    """The bytes are not what was sealed, or are sealed for something else."""

    code = "seal-broken"


class ObjectMissing(Broken):
    """The store does not have what the catalogue names."""

    code = "object-missing"


class LockNotKept(Broken):
    """The store did not keep a lock, or a legal hold, that it was given."""

    code = "lock-not-kept"


class CatalogueBroken(Broken):
    """Catalogue and vault do not belong together, or a rule of the catalogue was broken."""

    code = "catalogue-broken"


class CatalogueOlder(Broken):
    """The catalogue is from before a destruction that the keepers know of, or of another copy of the vault."""

    code = "catalogue-older"


class KeepersBehind(Broken):
    """No keeper that answers has the root that the catalogue names."""

    code = "keepers-behind"


class SettingsWrong(Broken):
    """The installation is not set up as it must be."""

    code = "settings-wrong"
