"""The catalogue: opaque facts and sealed fields of every noun, in SQLite or PostgreSQL (``open_catalogue``)."""
