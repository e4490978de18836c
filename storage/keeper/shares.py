"""Recovery shares for the unlock secret of an off-site keeper: any m of n people open it again, fewer learn nothing.

The shares are SLIP-0039 mnemonics (words with a checksum; other programs and hardware read them too), made by the
library that goes with that standard. They hold the keeper's unlock secret, never a root: so they stay valid from one
generation to the next, and destroy nothing by existing. With them alone, without the keeper's folder, nothing opens.

Rule 1: shares that were just made are tried: any wrong bit is found before the paper leaves the house.
Rule 2: a share names its set, its number and how many are needed, in the words themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from vault.errors import InvalidInput
from vault.seal.secrets import SECRET_LENGTH, Secret

SHARES_MAX: Final = 16
WORDS_A_SHARE: Final = 33
_WORDS_A_LINE: Final = 11
_HEADS: Final = ("strongroom recovery share", "keeper:", "keep it apart")
_TRIED_MAX: Final = 20


def split_unlock_secret(secret: Secret, *, needed: int, made: int, keeper: str) -> list[str]:
    """The texts to print, one for each person. Raises ``InvalidInput`` unless 2 <= needed <= made <= 16."""
    if not 2 <= needed <= made <= SHARES_MAX:
        raise InvalidInput(f"shares: at least 2 needed, at most {SHARES_MAX} made, and no more needed than made")
    (mnemonics,) = generate_mnemonics(1, [(needed, made)], secret.expose())
    for chosen in list(combinations(mnemonics, needed))[:_TRIED_MAX]:
        if combine_mnemonics(chosen) != secret.expose():
            raise InvalidInput("the shares that were made do not give the secret back; try again")
    return [_text(mnemonic, keeper=keeper, needed=needed, made=made) for mnemonic in mnemonics]


def combine_shares(texts: Sequence[str]) -> Secret:
    """The unlock secret. Each text is a printed share, or its words alone.

    Raises ``InvalidInput`` that says which share is misread, of another set, given twice, or how many are missing.
    """
    shares: dict[int, tuple[Share, str]] = {}
    for number, text in enumerate(texts, start=1):
        mnemonic = _words_of(text)
        try:
            share = Share.from_mnemonic(mnemonic)
        except MnemonicError as exc:
            raise InvalidInput(f"share {number} is misread: a word is wrong or missing; compare it again") from exc
        if shares and share.identifier != next(iter(shares.values()))[0].identifier:
            raise InvalidInput(f"share {number} is of another set than share 1; give shares of one set")
        shares[share.index] = (share, mnemonic)
    if not shares:
        raise InvalidInput("no share was given")
    needed = next(iter(shares.values()))[0].member_threshold
    if len(shares) < needed:
        raise InvalidInput(f"{needed} different shares are needed, and {len(shares)} were given")
    try:
        combined = combine_mnemonics([mnemonic for _, mnemonic in shares.values()][:needed])
    except MnemonicError as exc:
        raise InvalidInput("these shares do not belong together; give shares of one set") from exc
    if len(combined) != SECRET_LENGTH:
        raise InvalidInput("these shares are not of a keeper's unlock secret")
    return Secret(combined)


def _text(mnemonic: str, *, keeper: str, needed: int, made: int) -> str:
    words = mnemonic.split()
    share = Share.from_mnemonic(mnemonic)
    lines = [" ".join(words[at : at + _WORDS_A_LINE]) for at in range(0, len(words), _WORDS_A_LINE)]
    head = [
        f"STRONGROOM RECOVERY SHARE {share.index + 1} of {made}; ANY {needed} OPEN",
        f"KEEPER: {keeper}. SET: {share.identifier}",
        "Keep it apart from the others. It opens nothing without the keeper's folder.",
    ]
    return "\n".join(head + lines) + "\n"


def _words_of(text: str) -> str:
    """The words of a share, without the printed lines above them."""
    lines = [line.strip().lower() for line in text.splitlines()]
    return " ".join(line for line in lines if not line.startswith(_HEADS))
