"""Entry points for people; see each script's first lines."""
