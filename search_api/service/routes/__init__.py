"""The routes of the HTTP service, by subject: each class gives its own as a table."""
