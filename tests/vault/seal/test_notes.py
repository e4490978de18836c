"""Signed notes: the example of Go's sumdb/note opens, ours opens, and whatever else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vault.audit import NumberedEntry
from vault.errors import SealBroken
from vault.seal.merkle import leaf_hash, root_of
from vault.seal.notes import (
    Checkpoint,
    SignerKey,
    VerifierKey,
    endorse,
    endorsement_text,
    open_note,
    require_endorsement,
    sign_note,
)
from vault.seal.secrets import Secret

# The example in the documentation of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = SignerKey(name="strongroom/example", seed=Secret(bytes(range(32))))
NEXT = SignerKey(name="strongroom/example", seed=Secret(bytes(range(1, 33))))
CHECKPOINT = Checkpoint(origin="strongroom/example", size=7, root=bytes(range(32)))


def test_the_note_of_gos_documentation_opens() -> None:
    text, signed = open_note(GO_NOTE.encode(), [VerifierKey.parse(GO_KEY)])
    assert text.startswith("If you think")
    assert [key.text for key in signed] == [GO_KEY]


def test_a_checkpoint_is_signed_by_each_and_opens_for_any_of_them() -> None:
    note = sign_note(CHECKPOINT.text, [SIGNER, NEXT])
    for keys in ([SIGNER.verifier], [NEXT.verifier], [SIGNER.verifier, NEXT.verifier]):
        text, signed = open_note(note, keys)
        assert Checkpoint.parse(text) == CHECKPOINT
        assert signed == keys
    assert sign_note(CHECKPOINT.text, [SIGNER, NEXT]) == note
    assert VerifierKey.parse(SIGNER.verifier.text) == SIGNER.verifier


def test_a_note_with_any_bit_flipped_is_refused() -> None:
    note = sign_note(CHECKPOINT.text, [SIGNER])
    for bit in range(8 * len(note)):
        flipped = bytearray(note)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            open_note(bytes(flipped), [SIGNER.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n7\n",
        "a\n07\nAAAA\n",
        "a\n7\nAAAA\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n7\n" + "A" * 42 + "B=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AQ==", SIGNER.verifier.text[:-1], GO_KEY.replace("c7", "c8")])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        VerifierKey.parse(text)


def test_what_is_no_note_is_refused_and_so_is_one_that_nobody_trusted_signed() -> None:
    note = sign_note(CHECKPOINT.text, [SIGNER])
    for wrong in (b"", b"text", note[:-1], note + b"x\n", b"\xff" + note, note.replace("—".encode(), b"-")):
        with pytest.raises(SealBroken):
            open_note(wrong, [SIGNER.verifier])
    with pytest.raises(SealBroken):
        open_note(note, [NEXT.verifier])
    for text in ("no line break", "two\n\nparts\n"):
        with pytest.raises(ValueError):
            sign_note(text, [SIGNER])


def test_the_vector_of_format_md_is_what_the_log_writes() -> None:
    page = (Path(__file__).parents[3] / "vault" / "seal" / "FORMAT.md").read_text(encoding="utf-8")
    vector = page.partition("```log-vector\n")[2].partition("```\n")[0]
    first, second, *rest = vector.split("\n")
    entries = [NumberedEntry.from_bytes(each.encode()) for each in (first, second)]
    leaves = [leaf_hash(each.to_bytes()) for each in entries]
    checkpoint = Checkpoint(origin=SIGNER.name, size=2, root=root_of(leaves))
    note = sign_note(checkpoint.text, [SIGNER]).decode()
    assert "\n".join(rest) == "\n".join([*(leaf.hex() for leaf in leaves), SIGNER.verifier.text, note])
    for wrong in (first.replace(" ", ""), first + " ", first.replace('"v":1', '"v":2'), "{}", "[]", "nothing"):
        if wrong != first:
            with pytest.raises(SealBroken):
                NumberedEntry.from_bytes(wrong.encode())


def test_the_vector_of_an_endorsement_is_what_a_change_of_keys_writes() -> None:
    page = (Path(__file__).parents[3] / "vault" / "seal" / "FORMAT.md").read_text(encoding="utf-8")
    vector = page.partition("```endorsement-vector\n")[2].partition("```\n")[0]
    successor = SignerKey(name=SIGNER.name, seed=Secret(bytes(range(1, 33)))).verifier
    endorsement = endorse(SIGNER, 2, successor)
    assert vector == f"{endorsement_text(2, successor)}{endorsement}\n"
    require_endorsement(endorsement, SIGNER.verifier, 2, successor)
    with pytest.raises(SealBroken):
        require_endorsement(endorsement, SIGNER.verifier, 3, successor)
    with pytest.raises(SealBroken):
        Checkpoint.parse(endorsement_text(2, successor))
