"""Parsers of what people file, each run in a process of its own that has no key, no network and no file."""
