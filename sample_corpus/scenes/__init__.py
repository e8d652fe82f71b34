"""Holds the parts of the picture renderer: painting, objects, layout, sentences, queries."""
