"""Worlds on engines of other machines: what cannot be mounted or handed over travels along one stream."""
