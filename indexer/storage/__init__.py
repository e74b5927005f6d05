"""Files of an index folder: layout, manifests, vectors, locks, atomic writes."""
