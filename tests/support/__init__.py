"""Real parts for tests to run against, and rules that every test obeys."""
