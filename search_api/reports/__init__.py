"""HTML reports: catalog quality, evaluation and tag audit, one page each."""
