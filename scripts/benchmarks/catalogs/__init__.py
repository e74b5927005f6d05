"""Benchmark of reading catalogs: a matrix of files with known truth, and their speed."""
