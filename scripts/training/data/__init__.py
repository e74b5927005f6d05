"""Training data: catalogs, captions, pixels and batches."""
