"""The three stores: words, dense vectors and tokens."""
