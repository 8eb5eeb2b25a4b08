"""Schemathesis' opinion of the service, by the description that Notion's own MCP server carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

pytestmark = [pytest.mark.clients, pytest.mark.slow]

# The description names only 200 and 400 as answers of most operations, where Notion also answers 401, 404 and
# 409; so which statuses come is not checked, but that what comes has the shape described for it.
CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)
BOUNDS = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = 24


@pytest.fixture(scope="module")
def description(mcp_server: Path) -> Mapping[str, Any]:
    """Notion's OpenAPI description, as it comes with the server."""
    found: Mapping[str, Any] = json.loads(
        (mcp_server.parents[1] / "scripts" / "notion-openapi.json").read_bytes()
    )
    return found


@pytest.fixture
def places(office: Any, spell: Any) -> Mapping[str, tuple[str, ...]]:
    """What there is, by the name of the path's parameter."""
    database = office.ok(
        "POST",
        "databases",
        {
            "parent": {"page_id": office.root},
            "title": spell.words("Log"),
            "initial_data_source": {"properties": {"Name": {"title": {}}, "N": {"number": {}}}},
        },
        version="2025-09-03",
    )
    source = database["data_sources"][0]["id"]
    row = {"parent": {"data_source_id": source}, "properties": {"Name": spell.title("row")}}
    page = office.ok("POST", "pages", row, version="2025-09-03")
    text = {"children": [spell.paragraph("first")]}
    block = office.ok("PATCH", f"blocks/{page['id']}/children", text)["results"][0]
    user = office.ok("GET", "users/me")
    return {
        "page_id": (page["id"], office.root),
        "block_id": (block["id"], page["id"], database["id"]),
        "database_id": (database["id"],),
        "data_source_id": (source,),
        "user_id": (user["id"],),
        "property_id": ("title",),
    }


def aimed(case: Any, places: Mapping[str, tuple[str, ...]], choose: Any) -> None:
    """Let every other request reach something that is there: chance never finds an id."""
    for name in case.path_parameters or {}:
        if choose(st.booleans()):
            case.path_parameters[name] = choose(st.sampled_from(places[name]))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_of_notions_own_description_finds_a_fault(
    office: Any, places: Any, description: Mapping[str, Any], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(dict(description))
    schema.app = office.as_from_inside
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == OPERATIONS
    if mode is GenerationMode.NEGATIVE:  # nothing can be wrong in a path: it is text, whatever it says
        operations = [each for each in operations if each.body or each.query]
    before = len(office.audit)
    for operation in operations:

        @BOUNDS
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def ask(case: Any, data: st.DataObject) -> None:
            aimed(case, places, data.draw)
            case.headers = {
                **(case.headers or {}),
                "Authorization": f"Bearer {office.token}",
                "Notion-Version": "2025-09-03",
            }
            response = case.call(app=office.as_from_inside)
            case.validate_response(response, checks=CHECKS)

        ask()
    said = [line["status"] for line in office.audit[before:]]
    assert 200 in said
    assert all(status < 500 for status in said)
