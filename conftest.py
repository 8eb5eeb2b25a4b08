"""For the project's own tests and tasks: pytester, and the sandbox that a test needs."""

pytest_plugins = ["pytester"]
