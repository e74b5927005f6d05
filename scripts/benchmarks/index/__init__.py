"""Benchmark of the index engine: searches, filters, memory, publishing and updates."""
