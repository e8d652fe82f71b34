"""The catalog of an index: tables, repository and upgrades."""
