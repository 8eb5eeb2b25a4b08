"""Reports that survive the way from an xdist worker.

A name of a file that is no UTF-8 reaches Python with halves of surrogate pairs in it, and a checker may
well put it into its message. xdist cannot send such a text: the whole run would end with an internal error,
at the will of an agent. So whatever a worker sends is made encodable first.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


class SendableReports:
    """A plugin for workers; harmless elsewhere."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Make what the other plugins have serialised encodable."""
        data = yield
        return None if data is None else {key: encodable(value) for key, value in data.items()}


def encodable(value: Any) -> Any:
    r"""The same value with every half of a surrogate pair as its escape, such as `\udcff`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(encodable(item) for item in value)
    return value
