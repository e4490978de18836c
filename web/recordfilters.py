"""What a list of records is asked for: the fields of its address, read and written in one place.

Rule 1: an address holds codes, numbers, dates and sealed references; words that people search for never (``find`` is a
reference of ``vault.workflows.savedviews``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from vault.customers import Customer
from vault.errors import InvalidInput, NotFound
from vault.shelves import RecordFilter
from vault.workflows import customers, savedviews
from vault.workflows.customers import CustomerView
from web.classes import Classes
from web.forms import date_of, state_of, text_of
from web.preferences import zone_named, zone_of
from web.site import Visit

FIELDS: Final = ("class", "customer", "state", "from", "to")
WORDS: Final = "find"
PICTURES: Final = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Fields as the address has them; ``words`` are those of the reference, ``customer`` whom the number names."""

    fields: Mapping[str, str]
    reference: str
    words: str
    filter: RecordFilter
    customer: CustomerView | None
    pictures: bool = False
    """Whether the list shows the small picture of each record that has one."""

    @property
    def is_filtered(self) -> bool:
        """Whether any field is set."""
        return any(self.fields.values())

    def query(self, *, without: str = "", **more: str) -> str:
        """The address's query for the same list without a field, or with another; ``?`` alone for all records."""
        kept = {name: value for name, value in self.fields.items() if value and name != without}
        if self.reference and without != WORDS:
            kept[WORDS] = self.reference
        if self.pictures and without != PICTURES:
            kept[PICTURES] = "yes"
        return "?" + urlencode({**kept, **more})


def asked_of(visit: Visit, known: Classes) -> Asked:
    """What the address asks for. Raises ``InvalidInput``; ``NotFound`` for a class or customer that does not exist."""
    said = _said(visit)
    fields = {name: said[name] for name in FIELDS}
    if fields["class"] and fields["class"] not in known.known:
        raise NotFound("there is no such class or customer")
    customer = None
    if fields["customer"]:
        try:
            customer = customers.find_customer(visit.vault, visit.actor, fields["customer"])
        except NotFound:
            raise NotFound("there is no such class or customer") from None
    begins, ends = date_of(fields, "from"), date_of(fields, "to")
    if begins is not None and ends is not None and begins > ends:
        raise InvalidInput("the first day is after the last one; exchange them", field="from")
    reference = said[WORDS]
    words = savedviews.words_of_reference(visit.vault, visit.actor, reference) if reference else ""
    held: Customer | None = customer.customer if customer is not None else None
    return Asked(
        fields=fields,
        reference=reference,
        words=words,
        filter=RecordFilter(
            class_code=fields["class"] or None,
            state=state_of(fields["state"]),
            customer_id=held.id if held is not None else None,
            received_from=_beginning(visit, begins),
            received_before=_beginning(visit, ends + timedelta(days=1) if ends is not None else None),
        ),
        customer=customer,
        pictures=said[PICTURES] == "yes",
    )


def _said(visit: Visit) -> Mapping[str, str]:
    """The fields of the address, or of the form that was sent in its place."""
    if visit.request.method == "POST":
        return {name: text_of(visit.form, name).strip() for name in (*FIELDS, WORDS, PICTURES)}
    return {name: visit.query(name) for name in (*FIELDS, WORDS, PICTURES)}


def nothing_asked() -> Asked:
    """All records."""
    return Asked(fields=dict.fromkeys(FIELDS, ""), reference="", words="", filter=RecordFilter(), customer=None)


def chips_of(visit: Visit, asked: Asked, known: Classes, state_word: str) -> Iterator[tuple[str, str]]:
    """What is set, in words, each with the address of the list without it."""
    text, language, path = visit.language.text, visit.language, visit.path("records")
    if asked.words:
        yield f"“{asked.words}”", path + asked.query(without=WORDS)
    if asked.fields["class"]:
        yield known.title(asked.fields["class"]), path + asked.query(without="class")
    if asked.customer is not None:
        name = asked.customer.profile.name or asked.customer.customer.number
        yield name, path + asked.query(without="customer")
    if asked.fields["state"]:
        yield state_word, path + asked.query(without="state")
    for name, form in (("from", text("from {day} on")), ("to", text("until {day}"))):
        if asked.fields[name]:
            day = language.day(date.fromisoformat(asked.fields[name]))
            yield form.format(day=day), path + asked.query(without=name)


def _beginning(visit: Visit, day: date | None) -> datetime | None:
    """When a day begins where the visitor is."""
    if day is None:
        return None
    zone = zone_named(zone_of(visit.request))
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
