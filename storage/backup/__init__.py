"""Backups: ciphertext copied once to a second place, dumps of the catalogue, restore, rebuild, drills (README.md)."""
