"""Subcommands of `pytest-clawmark` that are larger than a few lines."""
