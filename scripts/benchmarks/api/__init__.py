"""Benchmark of the HTTP API: a real server process under load from another process."""
