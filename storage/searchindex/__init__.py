"""The search index: derived from sealed metadata, held in memory only, rebuilt at every start."""
