"""Face detection, selection, alignment and parsing."""
