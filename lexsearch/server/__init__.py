"""The HTTP server: search, explanations and thumbnails of one open index."""
