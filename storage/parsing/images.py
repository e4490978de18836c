"""Raster images, decoded and encoded anew: what goes out has a size that we chose, and nothing else of the file."""

from __future__ import annotations

import io
from typing import IO, Final, cast

from PIL import AvifImagePlugin, ExifTags, Image, ImageOps, UnidentifiedImageError

from storage.parsing.piped import Cannot, PipedFile

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
"""Of the many that Pillow reads, those that people file."""
PIXELS_MAX: Final = 100_000_000
FRAMES_MAX: Final = 1000
SHOWN_PIXELS_MAX: Final = 8_000_000

_PNG_BYTES_MAX: Final = 1_500_000

AvifImagePlugin.DEFAULT_MAX_THREADS = 1
"""A parser starts no thread, and could not."""


def open_image(file: PipedFile) -> Image.Image:
    """The image, nothing of it decoded. Raises ``Cannot``."""
    Image.MAX_IMAGE_PIXELS = None  # its dimensions are looked at here, before a pixel is decoded
    try:
        image = Image.open(cast("IO[bytes]", file), formats=FORMATS)
    except UnidentifiedImageError as exc:
        raise Cannot("broken") from exc
    if image.width * image.height > PIXELS_MAX:
        raise Cannot("too-large")
    return image


def survey_frames(file: PipedFile, number: int) -> tuple[int, tuple[int, int]]:
    """How many images a file has (the pages of a scan in TIFF), and the size of one of them. Raises ``Cannot``."""
    image = open_image(file)
    # Moving pictures are shown by their first one.
    count = min(FRAMES_MAX, getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    image.seek(min(number, count - 1))
    lies_on_its_side = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return count, (image.height, image.width) if lies_on_its_side else image.size


def draw_frame(file: PipedFile, number: int, width: int) -> Image.Image:
    """One of them (from 0), at most so many pixels wide, upright, on white. Raises ``Cannot``."""
    image = open_image(file)
    if number:
        try:
            image.seek(number)
        except EOFError as exc:
            raise Cannot("no-such-page") from exc
        if image.width * image.height > PIXELS_MAX:
            raise Cannot("too-large")
    height = max(1, min(SHOWN_PIXELS_MAX // width, image.height * width // image.width))
    image.draft("RGB", (width, height))
    image = ImageOps.exif_transpose(image)
    image.thumbnail((width, max(height, width)))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def encode(image: Image.Image) -> tuple[str, bytes]:
    """The image as PNG, or as JPEG where that is long; its media type, and its bytes."""
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=3)
    if png.tell() <= _PNG_BYTES_MAX:
        return "image/png", png.getvalue()
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    return "image/jpeg", jpeg.getvalue()


def encode_small(image: Image.Image, edge: int) -> bytes:
    """A thumbnail as WebP, no edge of it longer."""
    image.thumbnail((edge, edge))
    small = io.BytesIO()
    image.save(small, "WEBP", quality=70, method=4)
    return small.getvalue()
