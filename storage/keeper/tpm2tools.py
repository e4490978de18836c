"""NV indices of a TPM 2.0, by the ``tpm2`` command line of tpm2-tools.

The command line and not a binding: Debian ships it ready, while tpm2-pytss has to be compiled on each machine.

Rule 1: no secret is an argument or a file on disk: keys go by pipes, passwords by memory files (memfd).
Rule 2: a password that the TPM refused is not tried again by this process: TPMs lock after a few.
Limit: passwords and keys cross the bus between processor and TPM in clear; who may probe that bus sees them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from vault.errors import KeeperUnavailable, SettingsWrong

TIMEOUT_S: Final = 60
_AUTHREAD: Final = 1 << 18
_AUTHWRITE: Final = 1 << 2
_WRITTEN: Final = 1 << 29

_CODE: Final = re.compile(r"\((?:error code )?0x([0-9a-fA-F]+)\)")
_INDEX: Final = re.compile(
    r"^(0x[0-9a-fA-F]+):\n(?:[ \t].*\n)*?[ \t]+attributes:\n[ \t]+friendly:.*\n[ \t]+value: (0x[0-9a-fA-F]+)\n"
    r"[ \t]+size: (\d+)\n(?:[ \t]+authorization policy: ([0-9a-fA-F]*)\n)?",
    re.MULTILINE,
)

# Response codes of TPM 2.0 Library, part 2, section 6.6; those of format one lose handle and session numbers first.
_AUTH_FAIL: Final = 0x08E
_BAD_AUTH: Final = 0x0A2
_HANDLE: Final = 0x08B
_NV_SPACE: Final = 0x14B
_NV_DEFINED: Final = 0x14C
_LOCKOUT: Final = 0x921


@dataclass(frozen=True, slots=True, kw_only=True)
class NvIndex:
    """The public part of an index."""

    handle: int
    size: int
    policy: bytes
    is_written: bool
    is_plain: bool
    """Read and written by its own password, as ``define`` makes them."""


class NvDefined(Exception):
    """The handle is taken."""


class NvMissing(Exception):
    """There is no such index."""


class TpmTools:
    """One TPM. ``tcti`` names it as tpm2-tools do, for example ``device:/dev/tpmrm0``."""

    def __init__(self, tcti: str, *, password: str, owner_password: str) -> None:
        self._tcti = tcti
        self._password = password
        self._owner_password = owner_password
        self._refused: str | None = None

    def indices(self) -> list[NvIndex]:
        """Every index that has a size and attributes to show. Needs no password."""
        shown = self._run(["nvreadpublic"]).decode("ascii", "replace")
        return [
            NvIndex(
                handle=int(handle, 16),
                size=int(size),
                policy=bytes.fromhex(policy or ""),
                is_written=bool(int(attributes, 16) & _WRITTEN),
                is_plain=int(attributes, 16) & ~_WRITTEN == _AUTHREAD | _AUTHWRITE,
            )
            for handle, attributes, size, policy in _INDEX.findall(shown)
        ]

    def define(self, handle: int, *, size: int, policy: bytes) -> None:
        """Makes an index. Raises ``NvDefined``."""
        command = ["nvdefine", hex(handle), "-C", "o", "-s", str(size), "-a", "authread|authwrite"]
        self._run(command, owner=("-P",), password=("-p",), policy=policy)

    def write(self, handle: int, content: bytes) -> None:
        """Writes an index; durable in the TPM when it returns."""
        self._run(["nvwrite", hex(handle), "-C", hex(handle), "-i", "-"], password=("-P",), content=content)

    def read(self, handle: int, size: int) -> bytes:
        """Reads an index. Raises ``NvMissing``."""
        return self._run(["nvread", hex(handle), "-C", hex(handle), "-s", str(size)], password=("-P",))

    def undefine(self, handle: int) -> None:
        """Removes an index. Raises ``NvMissing``."""
        self._run(["nvundefine", hex(handle), "-C", "o"], owner=("-P",))

    def _run(
        self,
        command: list[str],
        *,
        content: bytes = b"",
        password: tuple[str, ...] = (),
        owner: tuple[str, ...] = (),
        policy: bytes | None = None,
    ) -> bytes:
        if self._refused is not None and (password or owner):
            raise SettingsWrong(self._refused)
        program = shutil.which("tpm2")
        if program is None:
            raise SettingsWrong("a TPM keeper needs tpm2-tools; run: apt-get install tpm2-tools")
        given: list[int] = []
        arguments = [program, command[0], "-T", self._tcti, *command[1:]]
        try:
            for flags, value in ((password, self._password), (owner, self._owner_password)):
                if flags and value:
                    given.append(_memory_file(value.encode("utf-8")))
                    arguments += [*flags, f"file:/proc/self/fd/{given[-1]}"]
            if policy is not None:
                given.append(_memory_file(policy))
                arguments += ["-L", f"/proc/self/fd/{given[-1]}"]
            ended = subprocess.run(
                arguments,
                input=content,
                capture_output=True,
                pass_fds=given,
                timeout=TIMEOUT_S,
                check=False,
                env={"PATH": os.environ.get("PATH", os.defpath), "TSS2_LOG": "all+NONE"},
            )
        except subprocess.TimeoutExpired as exc:
            raise KeeperUnavailable(
                f"the TPM did not answer in {TIMEOUT_S} s; its keys are unharmed, try again"
            ) from exc
        except OSError as exc:
            raise KeeperUnavailable(f"tpm2-tools could not be started: {exc.strerror}") from exc
        finally:
            for descriptor in given:
                os.close(descriptor)
        if ended.returncode != 0:
            self._raise(ended.stderr.decode("utf-8", "replace"))
        return ended.stdout

    def _raise(self, said: str) -> None:
        found = [int(code, 16) for code in _CODE.findall(said)]
        code = next((one & 0xBF if one & 0x80 else one for one in reversed(found) if one < 0x10000), None)
        if code == _NV_DEFINED:
            raise NvDefined
        if code == _HANDLE:
            raise NvMissing
        if code == _NV_SPACE:
            raise KeeperUnavailable(
                "the TPM has no room for another key; what it holds is unharmed. Remove NV indices that nothing needs "
                "(tpm2_nvreadpublic lists them), or use another keeper"
            )
        if code == _LOCKOUT:
            raise KeeperUnavailable(
                "the TPM is locked after too many wrong PINs; its keys are unharmed. Wait until it counts them down, "
                "or have whoever holds its lockout password run tpm2_dictionarylockout -c",
                retry_after_s=600,
            )
        if code in (_AUTH_FAIL, _BAD_AUTH):
            self._refused = (
                "the TPM refuses the PIN or the owner password. Nothing was changed; it is not tried again, since TPMs "
                "lock after a few wrong ones: correct the setting and start again"
            )
            raise SettingsWrong(self._refused)
        reason = (said.strip().splitlines() or ["no reason was given"])[0]
        raise KeeperUnavailable(
            f"the TPM ({self._tcti}) does not answer: {reason}. Its keys are unharmed: see that it is switched on and "
            "that this account may use it (group tss), then try again"
        )


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("strongroom", os.MFD_CLOEXEC)
    os.write(descriptor, content)
    return descriptor
