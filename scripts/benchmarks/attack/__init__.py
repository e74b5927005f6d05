"""`scripts/bench attack`: cheap attacks on a real server, beside clients that do nothing wrong."""
