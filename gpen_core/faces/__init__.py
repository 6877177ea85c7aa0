"""Finding, choosing, aligning and parsing faces."""
