"""What the API says of itself in OpenAPI, and schemathesis' opinion of it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from rest_office import Desk
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from clawmark_services.rest import RestApi
from clawmark_services.rest.openapi import description

LIBRARY = RestApi(
    "library",
    resources={
        "books": {
            "properties": {"title": {"type": "string"}, "author": {"$ref": "#/$defs/person"}},
            "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}}}},
        }
    },
)


CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
BOUNDS = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_finds_a_fault_or_an_undocumented_answer(desk: Desk, mode: GenerationMode) -> None:
    desk.ok("POST", "/employees", {"id": "e1", "name": "Ada", "tags": ["x"]}, 201)
    app = desk.service.door("http").app
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 13

    if mode is GenerationMode.NEGATIVE:  # nothing can be wrong in a request that carries no more than a key
        operations = [each for each in operations if each.body or each.query]

    # Not by its plugin for pytest, which would be loaded by every session here.
    for operation in operations:

        @BOUNDS
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        ask()
    assert len(desk.audit) > 100
    assert 500 not in {line["status"] for line in desk.audit}


def test_every_operation_is_described(desk: Desk) -> None:
    paths = desk.ok("GET", "/openapi.json")["paths"]
    assert set(paths) == {"/", "/employees", "/employees/{id}", "/tickets", "/tickets/{no}"}
    assert set(paths["/employees"]) == {"get", "post"}
    assert set(paths["/employees/{id}"]) == {"parameters", "get", "put", "patch", "delete"}


def test_the_description_can_be_asked_for_without_knowing_the_api(desk: Desk) -> None:
    desk.ok("GET", "/openapi.json")
    assert desk.audit[-1]["operation"] == "openapi"


def test_references_within_a_records_schema_lead_to_where_it_lies_in_the_description() -> None:
    schemas = description(LIBRARY)["components"]["schemas"]
    assert schemas["books"]["properties"]["author"] == {"$ref": "#/components/schemas/books/$defs/person"}
    assert schemas["books"]["$defs"]["person"]["type"] == "object"


def test_a_new_record_needs_no_key_and_a_change_needs_nothing() -> None:
    schemas = description(Desk().api)["components"]["schemas"]
    assert schemas["employees"]["required"] == ["name"]
    assert schemas["employees_new"]["required"] == ["name"]
    assert schemas["employees_changes"]["required"] == []
