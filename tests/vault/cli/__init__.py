"""Tests of the ``strongroom`` command."""
