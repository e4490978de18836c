"""Chinese and English: texts from ``locale/*/LC_MESSAGES/messages.po``, and formats of dates, numbers and sizes.

Rule 1: source strings are English and stand in templates (``_``) and in Python (``Language.text``, or ``later`` where
the text is translated afterwards). Nothing compiled is kept: catalogues are compiled in memory when the process starts.
Rule 2: the language is the visitor's choice (a cookie), else the best match of Accept-Language (RFC 9110, 12.5.4).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_time,
    format_timedelta,
    get_datetime_format,
    get_timezone_name,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

from vault.classes import RecordClass

FOLDER: Final = Path(__file__).parent / "locale"
COOKIE: Final = "strongroom-language"
TAGS: Final = ("en", "zh-Hans")
KIBI: Final = 1024
UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB")


def later(message: str) -> str:
    """Marks a text for translation where it stands; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: its tag (BCP 47), texts and formats."""

    tag: str
    locale: Locale
    translations: Translations

    def text(self, message: str) -> str:
        """The text in this language; the message itself where the catalogue has none."""
        return self.translations.gettext(message)

    def day(self, day: date) -> str:
        """A date, long enough to be unmistakable."""
        return format_date(day, "medium", locale=self.locale)

    def lasting(self, duration: timedelta) -> str:
        """A duration, in its largest unit."""
        return format_timedelta(duration, granularity="minute", threshold=1.5, locale=self.locale)

    def moment(self, moment: datetime, zone: tzinfo = UTC) -> str:
        """A moment in a time zone; in UTC it says so."""
        if zone is UTC:
            return f"{format_datetime(moment.astimezone(UTC), 'medium', tzinfo=UTC, locale=self.locale)} UTC"
        day = format_date(moment.astimezone(zone), "medium", locale=self.locale)
        time = format_time(moment, "short", tzinfo=zone, locale=self.locale)
        joined = str(get_datetime_format("medium", locale=self.locale)).replace("'", "")
        return joined.replace("{1}", day).replace("{0}", time)

    def zone_name(self, zone: tzinfo) -> str:
        """What a time zone is called."""
        return get_timezone_name(zone, locale=self.locale)

    def number(self, number: float) -> str:
        """A number with the language's separators."""
        return format_decimal(number, locale=self.locale)

    def size(self, size_bytes: int) -> str:
        """A size in IEC units, three significant digits."""
        if size_bytes < KIBI:
            return f"{self.number(size_bytes)} B"
        exponent = min((size_bytes.bit_length() - 1) // 10, len(UNITS))
        amount = size_bytes / KIBI**exponent
        pattern = "#,##0" if amount >= 100 else "#,##0.#"
        return f"{format_decimal(amount, format=pattern, locale=self.locale)} {UNITS[exponent - 1]}"

    def class_title(self, record_class: RecordClass) -> str:
        """What a class is called."""
        return record_class.title_zh if self.locale.language == "zh" else record_class.title_en


def _load(tag: str) -> Language:
    locale = Locale.parse(tag, sep="-")
    with (FOLDER / str(locale) / "LC_MESSAGES" / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(tag=tag, locale=locale, translations=Translations(compiled))


def load_languages() -> Mapping[str, Language]:
    """Every language by its tag."""
    return MappingProxyType({tag: _load(tag) for tag in TAGS})


def choose_tag(choice: str | None, accepted: str | None) -> str:
    """The tag of the language to answer in: the choice if it is one of ours, else the best accepted, else English."""
    if choice in TAGS:
        return choice or TAGS[0]
    best, best_weight = TAGS[0], 0.0
    for entry in (accepted or "").split(",")[:20]:
        name, _, parameters = entry.strip().partition(";")
        weight_text = parameters.strip().removeprefix("q=") or "1"
        try:
            weight = float(weight_text)
        except ValueError:
            continue
        wanted = name.strip().lower()
        match = next((tag for tag in TAGS if wanted.split("-")[0] == tag.split("-")[0].lower()), None)
        if match is not None and weight > best_weight:
            best, best_weight = match, weight
    return best
