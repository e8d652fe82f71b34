"""The index folder: format, segments, reading, writing, checking."""
