"""Pictures and text in, unit vectors out. Knows nothing of indexes, catalogs or HTTP."""
