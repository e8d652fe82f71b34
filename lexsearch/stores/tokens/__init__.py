"""Token stores: one file, one way to keep and score token vectors."""
