"""Fitting and measuring tags on the shared catalogs."""
