"""``strongroom webhook``: added, tried, ended from the command line."""

from __future__ import annotations

import base64

from tests.vault.cli.conftest import Strongroom


def test_a_webhook_by_commands(strongroom: Strongroom) -> None:
    added = strongroom("webhook", "add", "https://receiver.invalid/told", "--event", "record-filed", "--json")
    assert added.code == 0, added.talk
    secret, webhook = added.document["secret"], added.document["id"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    listed = strongroom("webhook", "list")
    assert b"https://receiver.invalid/told" in listed.stdout
    assert secret.encode() not in listed.stdout
    message = strongroom("webhook", "test", webhook, "--json").document["id"]
    assert strongroom("upkeep", "run").code == 0
    (told,) = strongroom("webhook", "show", webhook, "--json").document["deliveries"]
    assert (told["id"], told["state"], told["tries"]) == (message, "waiting", 1)
    assert told["failure"] == "receiver-unavailable"
    assert strongroom("webhook", "resend", webhook, message).code == 3, "it waits"
    assert strongroom("webhook", "end", webhook).code == 0
    assert strongroom("webhook", "end", webhook).code == 3
    assert strongroom("webhook", "resend", webhook, message).code == 3
    for wrong in ("http://127.0.0.1/", "http://[::1]/", "nonsense"):
        refused = strongroom("webhook", "add", wrong, "--event", "record-filed")
        assert refused.code == 3
        assert secret not in refused.talk
    assert strongroom("webhook", "add", "https://receiver.invalid/", "--event", "signed-in").code == 2
    assert strongroom("webhook", "show", "nothing").code == 3
