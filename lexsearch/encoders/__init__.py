"""Encoders: one file, one encoder; one folder, one role."""
