"""Candidate retrieval in one segment: FAISS vectors, BM25 keywords, field filters."""
