"""The schema of the catalogue, revision after revision."""
