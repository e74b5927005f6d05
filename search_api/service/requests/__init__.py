"""Request parsing: JSON, multipart and query strings into queries and images."""
