"""Tests of the tooling: scripts, contracts, what the repository may hold."""
