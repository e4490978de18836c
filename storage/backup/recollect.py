"""What the store remembers of records, customers and matters, taken into a catalogue that does not (yet, or any more).

1. Registers (``reregister``): rules, records, customers, matters and scopes as the catalogue had them.
2. What the outbox sent since the last register (``resent``): customers, filings, corrections of descriptions; and
   whenever it was, certificates, paper and filing reports, which no register repeats.
3. Objects that no register names (``reread``).

Rule 1: customers come before the records that name them, and all numbers that are taken before any is given anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from storage.backup.memory import Memory, Recollected, naming_damage
from storage.backup.relist import Lists, take_lists
from storage.backup.reread import find_objects, take_objects
from storage.backup.reregister import take_customer, take_matter, take_record, take_rules
from storage.backup.resent import take_certificate, take_paper, take_report, take_sent, take_sent_customer
from vault.fonds import Fonds
from vault.ids import CustomerId, RecordId
from vault.schedule import RuleVersion
from vault.shelves import Transaction
from vault.workflows.outbox import REPORT

CHANGES_SKIPPED: Final = 1_000_000
"""Changes behind the last register left no number in the store. What comes from here on is newer than those, also to
somebody who restores another backup later, one that knows of them."""


def recollect(
    tx: Transaction, fonds: Fonds, memory: Memory, *, known_change: int, settle: Callable[[Recollected], None]
) -> Recollected:
    """Takes into the catalogue what the store knows beyond change number ``known_change``.

    ``settle`` raises the counters above what was found, and what died unnamed; it is called before any number is given
    anew.
    """
    told = Recollected(newest_change=known_change, registered=tx.outbox.registered())
    ends = [to for to in memory.registers() if to > known_change]
    sent = sorted(memory.sent_after(max([known_change, *ends])))
    rules: dict[tuple[str, int], RuleVersion] = {}
    lists = Lists()
    # Customers first: a record may name one that a later register tells of.
    for to in ends:
        register = memory.register(to)
        for customer in register.customers:
            take_customer(tx, customer, told)
        for matter in register.matters:
            take_matter(tx, matter, told)
        rules |= {(rule.code, rule.version): rule for rule in register.rules}
        lists.hear(register)
        if to == ends[-1] and (name := register.fonds.sealed_name) is not None:
            tx.fonds.name(fonds.id, name)
    take_rules(tx, rules.values(), told)
    for change, field_set, subject, key in sent:
        told.newest_change = max(told.newest_change, change)
        if field_set == "customer":
            with naming_damage(told, key):
                take_sent_customer(tx, fonds, memory, told, change, subject, key)
            if tx.customers.get(CustomerId(subject)) is None:
                told.unnamed_customers.add(subject)
    for change, subject, key in memory.all_sent("certificate"):
        told.newest_change = max(told.newest_change, change)
        with naming_damage(told, key):
            take_certificate(tx, fonds, memory, change, subject, key)
    for to in ends:
        register = memory.register(to)
        for registered in register.records:
            take_record(tx, memory, registered, told)
        tx.holds.add_items(register.items)
        told.registered = max(told.registered, to)
        memory.progress(f"took in {told.records} records from the registers")
    told.newest_change = max(told.newest_change, take_lists(tx, lists, now=memory.now))
    numbers: dict[str, str] = {}
    for change, field_set, subject, key in sent:
        if field_set == "record":
            with naming_damage(told, key):
                numbers[subject] = memory.sent(key, subject, field_set, change)[1]["number"]
    told.numbers += numbers.values()
    found = find_objects(tx, fonds, memory, told)
    told.newest_change += CHANGES_SKIPPED
    settle(told)
    take_objects(tx, fonds, memory, told, found, numbers)
    for change, field_set, subject, key in sent:
        if field_set in ("record", "revision"):
            with naming_damage(told, key):
                take_sent(tx, memory, told, change, field_set, subject, key)
    reports = list(memory.all_sent(REPORT))
    counted = Counter(subject for _, subject, _ in reports)
    for change, subject, key in reports:
        # As many as the store has are here: a restored catalogue has nearly all, and none of those is read again.
        if tx.filing_reports.newest_number(RecordId(subject)) >= counted[subject]:
            continue
        with naming_damage(told, key):
            take_report(tx, memory, change, subject, key)
    for change, subject, key in memory.all_sent("paper"):
        told.newest_change = max(told.newest_change, change)
        with naming_damage(told, key):
            take_paper(tx, fonds, memory, change, subject, key)
    settle(told)
    return told
