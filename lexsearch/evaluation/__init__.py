"""Measures, runs and experiments."""
