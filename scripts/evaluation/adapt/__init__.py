"""Learning from the catalog: what it gains where a model is weak, and that it harms nothing."""
