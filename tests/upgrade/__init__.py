"""Versions of the journal's format side by side."""
