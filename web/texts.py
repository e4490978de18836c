"""What every page is made of: languages, static files and templates, the same for each fonds and ready at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from web.i18n import Language, load_languages
from web.rendering import Templates
from web.static import StaticFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Loading takes two seconds of one core, most of them the templates: do it once a process, beside other waiting."""

    languages: Mapping[str, Language]
    static: StaticFiles
    templates: Templates

    @classmethod
    def load(cls) -> Texts:
        """Reads them from the package."""
        languages, static = load_languages(), StaticFiles.load()
        return cls(languages=languages, static=static, templates=Templates(languages, static))
