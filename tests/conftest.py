"""What all tests share: modules that must not be imported twice."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import clawmark_services
import pytest_clawmark

# A session that pytester runs in this process forgets what it imported: classes would then exist twice, and a
# module with a core in C must not be imported twice at all. So everything that such a session could need, and
# would import only when it needs it, is imported here, once.
for library in (
    "httpcore",
    "jinja2",
    "openai",
    "trustme",
    "flask",
    "jsonschema",
    "pymap",
    "radicale",
    "scipy.stats",
):
    import_module(library)
for package in (clawmark_services, pytest_clawmark):
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
