"""Every table, in one metadata: importing this module loads them all."""

from __future__ import annotations

from storage.catalogue import transaction
from storage.catalogue.counters import counters
from storage.catalogue.metadata import metadata

__all__ = ["counters", "metadata", "transaction"]
