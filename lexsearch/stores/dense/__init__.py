"""Dense stores: one file, one search index over unit vectors."""
