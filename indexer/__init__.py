"""Catalogs, the index folder and nearest neighbours. Knows nothing of HTTP."""
