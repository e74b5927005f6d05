"""Other programs that embed or search pictures, each in an environment of its own."""
