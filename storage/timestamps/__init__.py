"""Time stamps of an authority outside (RFC 3161)."""
