"""Outcomes of upkeep's duties, in the visitor's language.

Rule 1: ``OUTCOMES`` says every code of ``vault.outcomes`` but those whose own words are told by what they come to
(``said``, ``failed``, a broken drill's problems): these are in the log and in what commands print.
"""

from __future__ import annotations

from typing import Final

from vault.outcomes import Outcome
from web.i18n import Language, later

OUTCOMES: Final = {
    "settled": later("settled {settled}, {left} left to the doctor"),
    "settled-and-aborted": later("settled {settled}, {left} left to the doctor; {strays} stray uploads aborted"),
    "locks-extended": later("extended {extended}, {left} left to the doctor"),
    "sent": later("sent {sent}, with {changes} changes of the register"),
    "all-effective": later("every destruction is effective"),
    "not-effective": later("{count} destructions not effective yet"),
    "ciphertext-deleted": later("deleted the bytes of {deleted} records, {left} still locked"),
    "given-up-cleared": later("deleted what {deleted} uploads that were given up had left, {left} still locked"),
    "certificates-issued": later("issued {issued}, completed {completed}; {left} wait"),
    "holds-mirrored": later("{held} held in the store, {freed} freed, {left} left to the doctor, {waiting} to do"),
    "rules-followed": later("{followed} records followed their rule, {moved} got another due date"),
    "reviews-closed": later("{closed} permission reviews closed, {lapsed} rights taken back because nobody decided"),
    "watched": later("looked at {people} people, {raised} alarms raised"),
    "loans-returned": later("{count} loans came to their end"),
    "lists-proposed": later("made {lists} disposal lists of {records} records"),
    "expired": later("{destroyed} records expired, {left_out} left out, {listed} listed, {waiting} lists tried again"),
    "expiry-paused": later("PAUSED: somebody has to look at why, and resume"),
    "log-published": later("the published log has {entries} entries"),
    "log-stamped": later("the checkpoint of {entries} entries is time-stamped: {at}"),
    "nothing-to-stamp": later("nothing is published yet"),
    "webhooks-sent": later("sent {sent} messages to webhooks, {failed} failed, {waiting} wait"),
    "log-pruned": later("deleted {deleted} partial tiles of the log"),
    "log-being-checked": later("the log is being checked"),
    "log-holds": later("the log holds, up to entry {entries}"),
    "log-broken": later("BROKEN: {wrong} things are wrong with the log, checked up to entry {entries}"),
    "uploads-finished": later("{finished} uploads became records, {left} not yet; {expired} ended"),
    "pieces-swept": later("deleted {swept} pieces of uploads that are not open"),
    "derived": later("derived text and pictures of {made} versions"),
    "derived-but-for": later("derived text and pictures of {made} versions; {left} cannot be read now, and wait"),
    "sessions-ended": later("ended {ended} sessions"),
    "lock-held": later("held: {held} of {tried} attacks withstood"),
    "lock-broken": later("BROKEN: {held} of {tried} attacks withstood"),
    "backup-fresh": later("the newest is fresh enough"),
    "backup-taken": later("backup taken, {copied} objects copied"),
    "backup-goes-on": later("copied {copied} objects, goes on"),
    "backup-damaged": later("BROKEN: the backup was taken, and {damaged} objects are not as they were sealed"),
    "no-backup": later("there is no backup yet"),
    "verified": later("whole: {objects} objects, {pages} key pages"),
    "verify-broken": later("BROKEN: {problems} things would not come back; run strongroom backup verify"),
    "drill-passed": later("passed: {opened} records opened, {dead} destroyed ones stay dead"),
    "drill-broken": later("BROKEN: {opened} records opened, {dead} destroyed ones stay dead; run strongroom drill"),
}
BROKEN: Final = later("something is not as it must be; run the doctor and look at the log")
FAILED: Final = later("could not be done now; it is tried again by itself")
DONE: Final = later("done")


def outcome_text(language: Language, outcome: Outcome) -> str:
    """What came of a duty."""
    if outcome.code in OUTCOMES:
        return language.text(OUTCOMES[outcome.code]).format(**outcome.values)
    if outcome.is_broken:
        return language.text(BROKEN)
    return language.text(FAILED if outcome.is_failed else DONE)
