"""Tags: taxonomies of labels, and which of them a picture's vector is given."""
