"""Terminal output of the `lookalike` command: tables, progress bars, messages."""
