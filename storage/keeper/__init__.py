"""Custody of the root keys, outside the home and outside backups."""
