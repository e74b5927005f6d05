"""Benchmarks of building: each stage alone, end to end, and beside other programs."""
