"""Evaluations of quality on the shared catalogs."""
