"""Model sets: one file, one model that fills several roles with one forward pass."""
