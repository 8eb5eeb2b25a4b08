"""The local web page over run directories: `pytest-clawmark view`."""
