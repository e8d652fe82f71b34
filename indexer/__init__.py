"""Turns folders of photos into the segments of an index."""

OWNER = "lexsearch"
