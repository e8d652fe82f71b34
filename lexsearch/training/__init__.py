"""Recipes that make the bundled model: data, losses, loops, export."""
