"""Strongroom's rules: what a record is, what may happen to it, and how it is sealed."""
