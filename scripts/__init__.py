"""Commands for developers: demo, test, check, bench and train."""
