"""Encoders of the role tokens."""
