"""The client's side of the HTTP API without any input or output: requests, answers, retries."""
