"""How a network runs, and what it costs."""
