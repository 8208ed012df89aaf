"""Experiments of the lessons, each a function that the measuring process runs."""
