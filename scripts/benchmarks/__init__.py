"""Benchmarks of speed: the command line, the index and the HTTP API."""
