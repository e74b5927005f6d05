"""Evaluation of searches on the shared catalogs: relevance, confidence, catalog checks."""
