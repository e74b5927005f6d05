"""Colours measured against the colours that catalogs state."""
