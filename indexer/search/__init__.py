"""The search engine: a query in, one page of ranked products out."""
