"""Training of what ships: the model `compact`, colour names, and the fit of tags."""
