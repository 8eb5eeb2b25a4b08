"""The agent's Python: an environment with the clients an office agent needs, built once per machine."""

from pytest_clawmark.toolbox.cache import ensure, locate

__all__ = ["ensure", "locate"]
