"""Writes ``vectors/*.json`` anew: ``python -m tests.vault.seal.make_vectors``.

All but ``stock-sdk.json`` come out the same each time; that one is what the stock SDK wrote with its own randomness,
and is written only when it is missing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

from tests.vault.seal import reference
from tests.vault.seal.page_vectors import page_vectors
from tests.vault.seal.reference import Message, named, u16, u32
from tests.vault.seal.stock_sdk import sdk_seal

VECTORS = Path(__file__).parent / "vectors"
FRAME = 128
SIZES = {
    "empty": 0,
    "one byte": 1,
    "frame - 1": FRAME - 1,
    "frame": FRAME,
    "frame + 1": FRAME + 1,
    "5 frames": 5 * FRAME,
}
TREE = hashlib.sha256(b"tree").digest()[:16]
LEAF = f"{TREE.hex()}-0000002a-07"
CONTEXT = {"strongroom-vault": "v-1", "strongroom-leaf": LEAF, "strongroom-object": "o-0001"}


def seed(name: str, length: int = 32) -> bytes:
    return hashlib.shake_256(f"strongroom vector {name}".encode()).digest(length)


def parameters(name: str, size: int, **changes: Any) -> dict[str, Any]:
    return {
        "kek": seed("kek"),
        "context": CONTEXT,
        "data_key": seed(f"data key {name}"),
        "message_id": seed(f"message id {name}"),
        "wrap_iv": seed(f"iv {name}", 12),
        "frame_length": FRAME,
        "plaintext": seed(f"plaintext {name}", size) if size else b"",
        **changes,
    }


def envelopes() -> dict[str, Any]:
    good = []
    for name, size in SIZES.items():
        p = parameters(name, size)
        good.append(
            {
                "name": name,
                **{k: p[k].hex() for k in ("data_key", "message_id", "wrap_iv", "plaintext")},
                "sealed": Message(**p).sealed.hex(),
            }
        )
    return {
        "frame_length": FRAME,
        "kek": seed("kek").hex(),
        "context": CONTEXT,
        "sealed": good,
        "refused": [{"why": why, "plaintext_length": n, "sealed": s.hex(), **more} for why, n, s, more in refusals()],
    }


def refusals() -> list[tuple[str, int, bytes, dict[str, Any]]]:
    size = 2 * FRAME + 5
    base = parameters("refused", size)
    m = Message(**base)
    h, (f1, f2, f3) = m.header, m.frames
    out: list[tuple[str, int, bytes, dict[str, Any]]] = []

    def refuse(why: str, sealed: bytes, length: int = size, **more: Any) -> None:
        out.append((why, length, sealed, more))

    at = 0
    for field, value in m.fields:
        for place, index in (("first", 0), ("last", len(value) - 1)):
            changed = bytearray(m.sealed)
            changed[at + index] ^= 1 if place == "last" else 0x80
            refuse(f"bit flipped in the {place} byte of {field}", bytes(changed))
        at += len(value)
    in_frame = {"sequence number": 3, "iv": 15, "ciphertext": 16, "tag": 16 + FRAME + 15}
    for part, index in in_frame.items():
        for number, start in ((1, len(h)), (2, len(h) + len(f1))):
            changed = bytearray(m.sealed)
            changed[start + index] ^= 1
            refuse(f"bit flipped in the {part} of frame {number}", bytes(changed))
    in_final = {"marker": 0, "sequence number": 7, "iv": 19, "length": 23, "ciphertext": 24, "tag": 24 + 5 + 15}
    for part, index in in_final.items():
        changed = bytearray(m.sealed)
        changed[len(h) + len(f1) + len(f2) + index] ^= 1
        refuse(f"bit flipped in the {part} of the final frame", bytes(changed))

    refuse("nothing at all", b"")
    refuse("the header alone", h)
    refuse("the header cut short", h[:-1])
    refuse("the last byte missing", m.sealed[:-1])
    refuse("the final frame missing", h + f1 + f2)
    refuse("the final frame missing, the length as if it were not", h + f1 + f2, 2 * FRAME)
    refuse("a frame missing in the middle", h + f1 + f3)
    refuse("a frame missing in the middle, the length as if it were not", h + f1 + f3, FRAME + 5)
    refuse("one byte after the final frame", m.sealed + b"\0")
    refuse("the final frame twice", m.sealed + f3)
    refuse("frames 1 and 2 exchanged", h + f2 + f1 + f3)
    refuse("frame 1 twice", h + f1 + f1 + f3)
    refuse("frame 1 in the place of frame 2, renumbered", h + f1 + f2[:16] + f1[16:] + f3)
    refuse("final frame first", h + f3 + f1 + f2)
    refuse(
        "final marker early, sealed by a holder of the key",
        h + f1 + m.frame(2, base["plaintext"][FRAME : 2 * FRAME], final=True),
    )
    refuse(
        "final marker early, the right length behind it",
        h + f1 + m.frame(2, base["plaintext"][FRAME : 2 * FRAME], final=True) + f3,
    )
    refuse("length pinned one less", m.sealed, size - 1)
    refuse("length pinned one more", m.sealed, size + 1)
    refuse("length pinned a frame less", m.sealed, size - FRAME)
    refuse("length pinned a frame more", m.sealed, size + FRAME)
    other = Message(**parameters("another", size))
    refuse("a frame of another message of the same leaf", h + f1 + other.frames[1] + f3)
    refuse("the header of another message of the same leaf", other.header + f1 + f2 + f3)

    refuse("another key", m.sealed, kek=seed("another kek").hex())
    refuse("another object expected", m.sealed, context={**CONTEXT, "strongroom-object": "o-0002"})
    refuse("another vault expected", m.sealed, context={**CONTEXT, "strongroom-vault": "v-2"})
    refuse("another leaf expected", m.sealed, context={**CONTEXT, "strongroom-leaf": LEAF[:-1] + "8"})
    refuse("one pair less expected", m.sealed, context={k: CONTEXT[k] for k in ("strongroom-vault", "strongroom-leaf")})
    refuse("one pair more expected", m.sealed, context={**CONTEXT, "strongroom-part": "1"})
    refuse("another frame length expected", m.sealed, frame_length=2 * FRAME)

    def variant(why: str, **changes: Any) -> None:
        refuse(why, Message(**parameters("refused", size, **changes)).sealed)

    variant("version 1, well formed otherwise", version=1)
    variant("suite 0x0578 (signed), keys derived for it", suite=0x0578)
    variant("suite 0x0178 (no commitment), keys derived for it", suite=0x0178)
    variant("two data keys", data_key_count=2)
    variant("no data key", data_key_count=0)
    variant("another provider", provider="aws-kms")
    variant("key name is another leaf", key_name=LEAF[:-1] + "8")
    variant("frame length 0x7fffffff", frame_length=0x7FFFFFFF)
    refuse(
        "a full final frame instead of an empty one after it",
        Message(**parameters("5 frames", 5 * FRAME, full_final_frame=True)).sealed,
        5 * FRAME,
    )
    refuse("a context out of order", resealed(base, context_out_of_order()))
    refuse("a context with a key twice", resealed(base, context_with_a_key_twice()))
    refuse("a context with bytes behind its pairs", resealed(base, reference.context_bytes(CONTEXT) + b"\0"))
    refuse("a context that is not UTF-8", resealed(base, u16(1) + named(b"strongroom-leaf") + named(b"\xff")))
    return out


def context_out_of_order() -> bytes:
    pairs = sorted(((k.encode(), v.encode()) for k, v in CONTEXT.items()), reverse=True)
    return u16(3) + b"".join(named(k) + named(v) for k, v in pairs)


def context_with_a_key_twice() -> bytes:
    pairs = sorted((k.encode(), v.encode()) for k, v in CONTEXT.items())
    return u16(4) + b"".join(named(k) + named(v) for k, v in [pairs[0], *pairs])


def resealed(base: dict[str, Any], aad: bytes) -> bytes:
    """The message of ``base`` with another spelling of the context, wrapped and tagged by a holder of the keys."""
    m = Message(**base)
    info = LEAF.encode() + u32(128) + u32(12) + base["wrap_iv"]
    wrapped = b"".join(reference.gcm(base["kek"], base["wrap_iv"], base["data_key"], aad))
    fields = dict(m.fields)
    fields.update({"context length": u16(len(aad)), "context": aad})
    fields["data keys"] = named(b"strongroom") + named(info) + named(wrapped)
    body = b"".join(value for field, value in fields.items() if field != "header tag")
    return body + reference.gcm(m.key, bytes(12), b"", body)[1] + b"".join(m.frames)


def key_trees() -> dict[str, Any]:
    root, cases = seed("root"), []
    for extent, leaf in ((0, 0), (0, 1), (1, 0), (42, 7), (64, 63), (64**5 - 1, 63), (0x12345678, 0x2A)):
        digits = [(extent // 64**power) % 64 for power in (4, 3, 2, 1, 0)] + [leaf]
        secret = reference.leaf_secret(root, digits)
        cases.append(
            {
                "extent": extent,
                "leaf": leaf,
                "digits": digits,
                "text": f"{TREE.hex()}-{extent:08x}-{leaf:02x}",
                "bytes": (TREE + u32(extent) + bytes([leaf])).hex(),
                "leaf_secret": secret.hex(),
                **{name: key.hex() for name, key in reference.leaf_keys(secret).items()},
            }
        )
    text = f"{TREE.hex()}-0000002a-07"
    refused = [
        "",
        text[:-1],
        text + "0",
        text + "\n",
        text.upper(),
        " " + text,
        text.replace("-", "_"),
        f"{TREE.hex()}-40000000-00",
        f"{TREE.hex()}-00000000-40",
        f"{TREE.hex()}-0000002A-07",
        f"{TREE.hex()}-+000002a-07",
        f"{TREE.hex()}-\uff10000002a-07",
    ]
    return {"tree_id": TREE.hex(), "root": root.hex(), "leaves": cases, "refused_texts": refused}


def pages() -> dict[str, Any]:
    return page_vectors(seed, TREE)


def field_sets() -> dict[str, Any]:
    cases = []
    for name, values, text in (
        ("nothing", {}, "{}"),
        ("a title", {"title": "Contract", "pages": 3}, '{"pages":3,"title":"Contract"}'),
        ("Chinese", {"标题": "借款合同", "件数": 12}, '{"件数":12,"标题":"借款合同"}'),
        (
            "UTF-16 order differs from code points",
            {"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":4,"1":5,"\u0080":6,"\u00f6":7,"\u20ac":3,"\U0001f600":2,"\ufb33":1}',
        ),
        (
            "escapes",
            {"text": '\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028'},
            '{"text":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"}',
        ),
        (
            "nested",
            {"z": [1, None, True, {"b": -1, "a": []}], "a": {}, "n": 2**53 - 1},
            '{"a":{},"n":9007199254740991,"z":[1,null,true,{"a":[],"b":-1}]}',
        ),
    ):
        key, nonce = seed("metadata key"), seed(f"nonce {name}", 12)
        sealed = reference.sealed_fields(key, text, "r-0001", "record", 7, nonce)
        cases.append({"name": name, "values": values, "canonical": text, "nonce": nonce.hex(), "sealed": sealed.hex()})
    shared = {"key": seed("metadata key").hex(), "subject_id": "r-0001", "field_set": "record", "revision": 7}
    index_key = seed("blinding key")
    indexes = [
        {"domain": d, "text": t, "digest": reference.blind_index(index_key, d, folded).hex()}
        for d, t, folded in (
            ("name", "Stra\u00dfe", "strasse"),
            ("name", "\uff21\uff22\uff23", "abc"),
            ("name", "\u674e\u96f7", "\u674e\u96f7"),
            ("number", "\u674e\u96f7", "\u674e\u96f7"),
            ("name", "e\u0301", "\u00e9"),
            ("name", "", ""),
        )
    ]
    return {**shared, "sealed": cases, "blinding_key": index_key.hex(), "blind_indexes": indexes}


def link_tokens() -> dict[str, Any]:
    key, link = seed("link key"), seed("link id", 16)
    good = reference.link_token(key, link)
    flipped = [good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :] for i in (0, 1, 22, 30, 43)]
    other_version = base64.urlsafe_b64encode(
        b"\x02" + link + hmac.digest(key, b"strongroom/link-token\x02" + link, "sha256")[:16]
    ).decode()
    refused = [
        "",
        good[:-1],
        good + "A",
        good + "=",
        good + "====",
        good + "\n",
        " " + good,
        good[:20] + "\n" + good[20:],
        good.replace("-", "+").replace("_", "/") if set("-_") & set(good) else good[:-1] + "+",
        good[:43] + "\uff21",
        other_version,
        reference.link_token(seed("another link key"), link),
        *flipped,
    ]
    return {"key": key.hex(), "link_id": link.hex(), "token": good, "refused": refused}


def stock_sdk() -> dict[str, Any]:
    kek = seed("kek")
    cases = []
    for name, size in SIZES.items():
        plaintext = seed(f"stock {name}", size) if size else b""
        sealed = sdk_seal(plaintext, provider="strongroom", key_name=LEAF, key=kek, context=CONTEXT, frame_length=FRAME)
        cases.append({"name": name, "plaintext": plaintext.hex(), "sealed": sealed.hex()})
    foreign = sdk_seal(b"elsewhere", provider="other", key_name="k", key=kek, context={}, frame_length=4096)
    return {
        "frame_length": FRAME,
        "kek": kek.hex(),
        "context": CONTEXT,
        "sealed": cases,
        "foreign": {"plaintext": b"elsewhere".hex(), "sealed": foreign.hex()},
    }


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name, make in (
        ("envelope", envelopes),
        ("keytree", key_trees),
        ("pages", pages),
        ("fields", field_sets),
        ("tokens", link_tokens),
    ):
        (VECTORS / f"{name}.json").write_text(reference.to_json(make()), encoding="utf-8")
    recorded = VECTORS / "stock-sdk.json"
    if not recorded.exists():
        recorded.write_text(reference.to_json(stock_sdk()), encoding="utf-8")


if __name__ == "__main__":
    main()
