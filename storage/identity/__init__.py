"""Judges from outside of who somebody is."""
