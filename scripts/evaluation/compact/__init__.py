"""Evaluation of the shipped model `compact`."""
