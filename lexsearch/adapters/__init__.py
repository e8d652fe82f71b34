"""A db inside other retrieval frameworks; one file each, with the extra of the same name."""
