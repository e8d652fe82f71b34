"""Dense stores: one file, one search index over unit vectors."""

# Lists of more rows than this hold one byte per component in place of two.
SQ8_FROM = 2_000_000
