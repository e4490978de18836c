"""A root keeper with a PKCS#11 token (an HSM, a smart card, SoftHSM2): one AES key object in it for each root.

The object never leaves the token (CKA_SENSITIVE, not CKA_EXTRACTABLE) and may only encrypt. A file is sealed under

    unlock secret = AES-256-CBC(object, iv = 0, salt[32] of the file)

which is a key derivation: whoever lacks the object cannot compute AES under it, so the 32 bytes tell nothing about the
object or about another salt's. CKM_AES_CBC, not CKM_AES_GCM or CKM_AES_KEY_WRAP: small tokens have it too.

Rule 1: the object's CKA_ID is tree id[16] | generation:u32 | attempt[16]; destroying a root is C_DestroyObject.
Rule 2: every operation logs in for itself, so a token that logged out or was away is taken up again by itself.
Rule 3: a PIN that the token refused is not tried again by this process: tokens lock after a few.
Rule 4: processes use a keeper's token one at a time. Seen with SoftHSM: of two that use it at once, one finds no such
token or a general error, and took its keeper for away. Limit: homes that share a token have folders, and turns, apart.
Limit: PKCS#11 tells no proof of erasure; that C_DestroyObject erases, and that the token has no backup of its objects
(vendors sell such), is the vendor's word. A backup of the token is a copy of the keeper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from storage.keeper.folder import CHECK_NAME, KeeperFolder
from storage.keeper.sealed import SealedKeeper, lost_key
from vault.errors import KeeperUnavailable, NotFound, SettingsWrong
from vault.ports import Randomness
from vault.seal.rootfile import RootId
from vault.seal.secrets import Secret
from vault.seal.unlock import Unlock, UnlockKind

try:
    import pkcs11
    from pkcs11.types import EncryptMixin
except ImportError as exc:
    raise SettingsWrong("a PKCS#11 keeper needs the package python-pkcs11; install strongroom with 'hsm'") from exc

LABEL: Final = "strongroom root"
TURN_WITHIN_S: Final = 60.0
_ID_LENGTH: Final = 36

# C_Initialize is called without locking functions, and a login belongs to the whole process: one thread at a time.
_MUTEX: Final = Lock()


class Pkcs11Keeper(SealedKeeper):
    """One token. ``module`` is the vendor's library, ``token`` the token's label."""

    def __init__(
        self, folder: Path, randomness: Randomness, *, module: Path, token: str, pin: str, name: str | None = None
    ) -> None:
        at = KeeperFolder(folder)
        super().__init__(
            name or f"pkcs11:{token}", at, TokenKeys(at, randomness, module=module, token=token, pin=pin), randomness
        )


class TokenKeys:
    """Keeps the ``SealingKeys`` promise with key objects of one token."""

    what = "the PKCS#11 token"

    def __init__(self, folder: KeeperFolder, randomness: Randomness, *, module: Path, token: str, pin: str) -> None:
        self._folder = folder
        self._randomness = randomness
        self._module = module
        self._label = token
        self._pin = pin
        self._pin_refused: str | None = None
        self._went_away = False

    def set_up(self, folder: KeeperFolder) -> None:
        """Notes the token's serial number, so that another one of the same label is not taken for it."""
        with self._session(bound=False) as session:
            serial = session.token.serial.hex()
        if folder.read_file(CHECK_NAME) is None:
            folder.write(CHECK_NAME, f"pkcs11 {serial}\n".encode("ascii"))
        self._require_bound(serial)

    def present(self, files: Iterable[RootId]) -> set[RootId]:
        """Every key object of ours."""
        with self._session() as session:
            return {root_id for root_id, _ in self._objects(session)}

    def make(self, root_id: RootId, folder: KeeperFolder) -> Unlock:
        """Generates the object in the token; one that a cut off stage left is used."""
        with self._session() as session:
            if not any(found == root_id for found, _ in self._objects(session)):
                key = session.generate_key(
                    pkcs11.KeyType.AES,
                    256,
                    id=_object_id(root_id),
                    label=LABEL,
                    store=True,
                    capabilities=pkcs11.MechanismFlag.ENCRYPT,
                    template={
                        pkcs11.Attribute.PRIVATE: True,
                        pkcs11.Attribute.SENSITIVE: True,
                        pkcs11.Attribute.EXTRACTABLE: False,
                        pkcs11.Attribute.MODIFIABLE: False,
                    },
                )
                if not (key[pkcs11.Attribute.NEVER_EXTRACTABLE] and key[pkcs11.Attribute.ALWAYS_SENSITIVE]):
                    key.destroy()
                    raise SettingsWrong(f"the token {self._label} does not keep keys to itself; use another one")
        return Unlock.new(UnlockKind.DEVICE, self._randomness.token_bytes)

    def secret(self, root_id: RootId, unlock: Unlock) -> Secret:
        """Asks the token."""
        with self._session() as session:
            for found, key in self._objects(session):
                if found == root_id and isinstance(key, EncryptMixin):
                    # The same key always makes the same secret of one salt; the salt is fresh for each file.
                    made = key.encrypt(unlock.salt, mechanism=pkcs11.Mechanism.AES_CBC, mechanism_param=bytes(16))
                    return Secret(made if isinstance(made, bytes) else b"".join(made))
        raise NotFound(lost_key(self.what, root_id.generation))

    def key_file(self) -> bytes:
        """There is none."""
        raise SettingsWrong("this root file is of a keeper with a key file; open it with that keeper")

    def destroy(self, root_id: RootId) -> None:
        """Destroys the object, and looks that it is gone."""
        with self._session() as session:
            for found, key in self._objects(session):
                if found == root_id:
                    key.destroy()
            if any(found == root_id for found, _ in self._objects(session)):
                raise KeeperUnavailable(
                    f"the token {self._label} still has a key that it was told to destroy; see its vendor's manual"
                )

    def state(self, folder: KeeperFolder) -> tuple[str, tuple[str, ...]]:
        """Logs in, and names the token."""
        with self._session() as session:
            token = session.token
            text = f"token {token.label} ({token.manufacturer_id} {token.model}), files in {folder.path}"
            warnings = []
            if token.flags & (pkcs11.TokenFlag.USER_PIN_COUNT_LOW | pkcs11.TokenFlag.USER_PIN_FINAL_TRY):
                warnings.append("somebody gave this token a wrong PIN; few tries are left before it locks")
            if "softhsm" in token.manufacturer_id.lower():
                warnings.append(
                    "SoftHSM is software: it is as safe as its folder, and a copy of that is a copy of keys"
                )
        return text, tuple(warnings)

    def _objects(self, session: pkcs11.Session) -> list[tuple[RootId, pkcs11.SecretKey]]:
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.LABEL: LABEL}
        # The search is ended before another one begins: a session has one at a time.
        keys = [key for key in session.get_objects(wanted) if isinstance(key, pkcs11.SecretKey)]
        return [(_root_id(key.id), key) for key in keys if len(key.id) == _ID_LENGTH]

    @contextmanager
    def _session(self, *, bound: bool = True) -> Iterator[pkcs11.Session]:
        with _MUTEX, self._folder.use(within_s=TURN_WITHIN_S):
            if self._pin_refused is not None:
                raise SettingsWrong(self._pin_refused)
            try:
                library = pkcs11.lib(str(self._module))
                if self._went_away:
                    # A token that comes back is seen by a library that starts afresh.
                    library.reinitialize()
                    self._went_away = False
                with library.get_token(token_label=self._label).open(rw=True, user_pin=self._pin) as session:
                    if bound:
                        self._require_bound(session.token.serial.hex())
                    yield session
            except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as exc:
                self._pin_refused = (
                    f"the token {self._label} refuses the PIN. Nothing was changed; the PIN is not tried again, since "
                    "tokens lock after a few wrong ones: correct the setting and start again"
                )
                raise SettingsWrong(self._pin_refused) from exc
            except (pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.UserPinNotInitialized) as exc:
                raise SettingsWrong(
                    f"the token {self._label} has its PIN locked, expired or never set. Its keys are unharmed: have "
                    "its security officer set a new PIN, then give it in the settings"
                ) from exc
            except (pkcs11.DeviceMemory, pkcs11.TokenWriteProtected) as exc:
                raise KeeperUnavailable(
                    f"the token {self._label} is full or write-protected; what it holds is unharmed"
                ) from exc
            except pkcs11.PKCS11Error as exc:
                self._went_away = True
                raise KeeperUnavailable(
                    f"the token {self._label} does not answer ({type(exc).__name__} from {self._module.name}). Its "
                    "keys are unharmed: see that it is plugged in and switched on, then try again"
                ) from exc

    def _require_bound(self, serial: str) -> None:
        noted = self._folder.read_file(CHECK_NAME)
        if noted is None:
            self._folder.require_set_up()
        elif noted.split() != [b"pkcs11", serial.encode("ascii")]:
            raise KeeperUnavailable(
                f"the token {self._label} (serial {serial}) is not the one that this keeper was set up with. Nothing "
                "was changed: plug in the right one, or add this one as a new keeper with a folder of its own"
            )


def _object_id(root_id: RootId) -> bytes:
    return root_id.tree_id + root_id.generation.to_bytes(4, "big") + root_id.attempt


def _root_id(object_id: bytes) -> RootId:
    return RootId(tree_id=object_id[:16], generation=int.from_bytes(object_id[16:20], "big"), attempt=object_id[20:])
