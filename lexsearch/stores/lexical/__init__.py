"""Lexical stores: one file, one search index over words."""
