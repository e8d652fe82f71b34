"""Encoders that turn pictures into sentences."""
