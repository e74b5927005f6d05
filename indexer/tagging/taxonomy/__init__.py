"""Taxonomies: groups of labels, read from YAML files that may be untrusted."""
