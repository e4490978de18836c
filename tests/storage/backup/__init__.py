"""Backups: taken beside work, verified, restored, led forward."""
