"""Encoders of the role dense."""
