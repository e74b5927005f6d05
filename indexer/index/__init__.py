"""The opened index: segments, facets, thumbnails and maintenance of an index folder."""
