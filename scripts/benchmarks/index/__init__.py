"""Parts of `scripts/benchmark_index.py`."""
