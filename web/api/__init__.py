"""The interface for programs, below ``/api/v1``: a module a noun, JSON out, problem+json for errors."""
