"""The API, described: a module a noun, with its schemas (``SCHEMAS``) and its operations by row (``OPERATIONS``).

Rule 1: every row of the API has an operation here, and every operation a row.
"""
