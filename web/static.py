"""Style and scripts of the pages, held in memory; their path carries a digest, so browsers keep them for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.responses import Response

from vault.errors import NotFound
from web.site import Visit

FOLDER: Final = Path(__file__).parent / "static"
STYLE: Final = "strongroom.css"
"""Made of the files in styles/, in the order of their names."""
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """Every static file by name; ``release`` is a digest over all of them."""

    files: dict[str, bytes]
    release: str

    @classmethod
    def load(cls) -> StaticFiles:
        """Reads them from the package."""
        files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}
        files[STYLE] = b"\n".join(path.read_bytes() for path in sorted((FOLDER / "styles").glob("*.css")))
        digest = hashlib.sha256()
        for name, body in files.items():
            digest.update(f"{name}\0{len(body)}\0".encode())
            digest.update(body)
        return cls(files=files, release=digest.hexdigest()[:16])

    def path(self, name: str) -> str:
        """Where a file is served. Raises ``KeyError`` for one that is not there."""
        _ = self.files[name]
        return f"/static/{self.release}/{name}"


async def serve_static(visit: Visit) -> Response:
    """A static file; an older release's path serves today's file, but is not kept."""
    name = visit.parameter("name")
    body = visit.site.static.files.get(name)
    if body is None:
        raise NotFound("there is no such file")
    current = visit.parameter("release") == visit.site.static.release
    caching = "public, max-age=31536000, immutable" if current else "no-store"
    return Response(body, media_type=MEDIA_TYPES[Path(name).suffix], headers={"Cache-Control": caching})
