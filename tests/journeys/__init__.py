"""Whole journeys through the running product: real browser, real server, real store, real files."""
