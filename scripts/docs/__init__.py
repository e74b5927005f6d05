"""Generators of figures, pages and images in `docs/`."""
