"""Prints a certificate of destruction as PDF: the facts, then the register (销毁清册) as a table, in each language.

Rule 1: everything printed is in the certificate that was checked, but for people's names, which the vault opens.
Rule 2: the same certificate gives the same bytes: no time of printing, no random id.
Limit: Chinese is set in STSong-Light, one of the fonts that PDF readers have or stand in for; it is not embedded.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from storage.certificates.words import WORDS
from vault.certificates import Checked, statement_digest

FONT: Final = "STSong-Light"
MARGIN_MM: Final = 18
_TIME_CHARACTERS: Final = len("2026-01-01T00:00:00")


def print_certificate(checked: Checked, names: Mapping[str, str], languages: Sequence[str]) -> bytes:
    """The PDF, one language after the other (``zh``, ``en``). ``names`` are people's, by id."""
    # Loaded only for whoever prints: it takes a good part of a command's start.
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, NextPageTemplate, PageBreak, PageTemplate

    register_font()
    number = str(checked.statement["number"])
    told = io.BytesIO()
    document = BaseDocTemplate(told, pagesize=A4, title=number, author="Strongroom", subject=number, invariant=1)
    width, height = A4
    frame = (MARGIN_MM * mm, MARGIN_MM * mm, width - 2 * MARGIN_MM * mm, height - 2 * MARGIN_MM * mm)
    templates, story = [], []
    for at, language in enumerate(languages):
        templates.append(PageTemplate(id=language, frames=[Frame(*frame, id=language)]))
        story += [NextPageTemplate(language), PageBreak()] if at else []
        story += _story(checked, names, language)
    document.addPageTemplates(templates)
    pages: list[str] = []
    document.build(story, canvasmaker=_counting(number, languages, pages))
    return told.getvalue()


def _counting(number: str, languages: Sequence[str], pages: list[str]) -> Callable[..., Any]:
    """A canvas that knows at the end how many pages there are, and foots each of them."""
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas

    class Footed(Canvas):  # type: ignore[misc]  # the library ships no types
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for page, kept in enumerate(self._kept, start=1):
                self.__dict__.update(kept)
                self.setFont(FONT, 8)
                said = " / ".join(
                    WORDS[language]["page"].format(page=page, pages=len(self._kept)) for language in languages
                )
                self.drawString(MARGIN_MM * mm, 10 * mm, f"{number}")
                self.drawRightString(self._pagesize[0] - MARGIN_MM * mm, 10 * mm, said)
                super().showPage()
            super().save()

    return Footed


@lru_cache(maxsize=1)
def register_font() -> None:
    """Lets the printing library know ``FONT``."""
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont(FONT))


def _story(checked: Checked, names: Mapping[str, str], language: str) -> Iterator[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import Spacer

    words = WORDS[language]
    statement = checked.statement
    yield _text(words["title"], size=18, space=6)
    yield _pairs(list(_facts(checked, names, words, language)))
    yield Spacer(1, 6 * mm)
    yield _text(words["register"], size=13, space=3)
    yield _register(statement["records"], words)
    paper = [(each["number"], line) for each in statement["records"] for line in each.get("paper", ())]
    if paper:
        yield _text(words["paper"], size=11, space=3)
        yield _pairs([(number, _paper_text(line, words)) for number, line in paper])
    if statement["customers"]:
        yield _text(words["customers"], size=11, space=3)
        yield _text(", ".join(str(each["number"]) for each in statement["customers"]), size=9)
    yield Spacer(1, 8 * mm)
    yield _text(words["signatures"], size=11, space=8)
    yield _pairs([(words[part], "") for part in ("proposer", "approver", "supervisor", "supervisor")], tall=True)
    yield Spacer(1, 4 * mm)
    yield _text(words["verify"], size=8)


def _facts(
    checked: Checked, names: Mapping[str, str], words: Mapping[str, str], language: str
) -> Iterator[tuple[str, str]]:
    said = checked.statement
    yield words["number"], str(said["number"])
    yield words["vault"], f"{said['vault']} / {words['fonds']} {said['fonds']}"
    yield words["begun"], _time(said["begun_at"])
    yield words["effective"], _time(said["effective_at"])
    yield words["issued"], _time(said["issued_at"])
    yield words["ground"], words.get(f"ground-{said['ground']}", str(said["ground"]))
    ordered = _named(said["ordered_by"], names)
    yield words["ordered"], f"{ordered} ({words['alone']})" if said["alone"] else ordered
    if said["list"] is not None:
        yield from _list_facts(said["list"], names, words)
    for rule in said["rules"]:
        yield (
            words["rules"],
            words["rule"].format(
                title=rule[f"title_{language}"],
                code=rule["class"],
                version=rule["version"],
                mandate=rule["mandate"] or "-",
                proposed=words["shipped"] if rule["shipped"] else _named(rule["proposed_by"], names),
                approved=words["shipped"] if rule["shipped"] else _named(rule["approved_by"], names),
            ),
        )
    keys = said["keys"]
    yield words["keys"], words["generations"].format(before=keys["generation_before"], after=keys["generation"])
    yield words["increment"], keys["increment"]
    for keeper in keys["keepers"]:
        yield words["keepers"], words["proven" if keeper["proven"] else "unproven"].format(name=keeper["name"])
    yield (
        words["counted"],
        words["counts"].format(records=len(said["records"]), customers=len(said["customers"])),
    )
    until = said["remains"]["sealed_bytes_until"]
    yield words["remains"], words["bytes"].format(until=_time(until)) if until else words["no-bytes"]
    yield words["remains"], words["stub"]
    size = checked.checkpoint.size if checked.checkpoint is not None else None
    yield words["log"], words["logged"].format(size=size) if size else words["log-pending"]
    yield words["digest"], statement_digest(said).hex()
    for key in checked.keys:
        yield words["keys-of"], key.text


def _list_facts(
    disposal: Mapping[str, Any], names: Mapping[str, str], words: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    yield words["list"], disposal["number"] + (f" ({words['automatic']})" if disposal["automatic"] else "")
    for signature in disposal["signatures"]:
        yield words[signature["part"]], f"{_named(signature['person'], names)}  {_time(signature['at'])}"
    if disposal.get("opinion"):
        yield words["opinion"], disposal["opinion"]
    told = [each for each in disposal.get("notices", ()) if each["audience"] == "customer" and each["state"] == "told"]
    if told:
        last = max(each["told_at"] for each in told)
        yield words["notices"], words["noticed"].format(customers=len(told), last=_time(last))
    for name in ("place", "method", "remarks"):
        if disposal[name]:
            yield words[name], disposal[name]


def _register(records: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Any:
    from reportlab.lib import colors
    from reportlab.lib.units import mm
    from reportlab.platypus import LongTable, TableStyle

    titled = any("title" in each for each in records)
    columns = ["number", "class", *(["title"] if titled else []), "trigger", "due", "versions", "digest"]
    widths = {"number": 25, "class": 27, "title": 36, "trigger": 20, "due": 20, "versions": 14, "digest": 32}
    widths["digest"] += 0 if titled else 36
    rows = [[_text(words[f"column-{column}"], size=8) for column in columns]]
    for each in records:
        cells = {
            "number": each["number"],
            "class": each["class"],
            "title": each.get("title") or "",
            "trigger": each["trigger_on"] or "-",
            "due": each["due_on"] or "-",
            "versions": str(len(each["versions"])),
            "digest": each["versions"][-1]["sha256"][: None if not titled else 16] if each["versions"] else "-",
        }
        rows.append([_text(cells[column], size=7) for column in columns])
    style = TableStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    return LongTable(rows, colWidths=[widths[column] * mm for column in columns], repeatRows=1, style=style)


def _pairs(pairs: Sequence[tuple[str, str]], *, tall: bool = False) -> Any:
    from reportlab.lib import colors
    from reportlab.lib.units import mm
    from reportlab.platypus import Table, TableStyle

    style = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    rows = [[_text(name, size=8), _text(value, size=9)] for name, value in pairs]
    heights = [12 * mm] * len(rows) if tall else None
    return Table(rows, colWidths=[38 * mm, 136 * mm], rowHeights=heights, style=style)


def _text(text: str, *, size: int, space: int = 0) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        name=f"s{size}", fontName=FONT, fontSize=size, leading=size * 1.35, spaceAfter=space, wordWrap="CJK"
    )
    return Paragraph(escape(text), style)


def _paper_text(line: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if line["state"] != "destroyed":
        return words["paper-kept"].format(box=line["box"])
    return words["paper-destroyed"].format(
        box=line["box"],
        at=_time(line["destroyed_at"]),
        method=words[f"method-{line['method']}"],
        weight=line["weight_grams"],
        vendor=line["vendor"],
        witnesses=", ".join(line["witnesses"]),
    )


def _named(person: object, names: Mapping[str, str]) -> str:
    name = names.get(str(person))
    return f"{name} ({person})" if name else str(person)


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text[:_TIME_CHARACTERS]):%Y-%m-%d %H:%M:%S} UTC"
