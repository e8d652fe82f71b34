"""Encoders of the role lexical."""
