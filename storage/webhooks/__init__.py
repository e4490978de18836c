"""Messages to addresses outside, and which of those may be reached."""
