"""Catalog file formats: each reads one kind of file as a stream of rows."""
