"""Evaluation of an index on labelled queries: recall, MRR, precision, intervals."""
