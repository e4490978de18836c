"""Certificates of destruction on paper."""
