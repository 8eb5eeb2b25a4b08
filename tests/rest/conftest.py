"""An empty HR system for each test."""

import pytest
from rest_office import Desk


@pytest.fixture
def desk() -> Desk:
    """A fresh API with two resources: employees, and tickets that are numbered."""
    return Desk()
