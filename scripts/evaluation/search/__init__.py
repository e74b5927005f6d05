"""What `evaluate_search.py` measures, one part of it in each file."""
