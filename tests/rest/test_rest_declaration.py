"""What a task may declare, and how a mistake is told."""

import json
import pickle

import pytest
from rest_office import HR

from clawmark_services.rest import RestApi

PLAIN = {"things": {"properties": {"name": {"type": "string"}}}}


def test_a_declaration_is_a_value():
    same = RestApi("hr", {name: dict(schema) for name, schema in json.loads(HR.declaration).items()})
    assert same == HR
    assert hash(same) == hash(HR)
    assert pickle.loads(pickle.dumps(HR)) == HR
    assert RestApi("hr", PLAIN, port=81) != RestApi("hr", PLAIN)
    with pytest.raises(AttributeError):
        HR.port = 1


def test_a_declaration_does_not_change_with_what_it_was_made_from():
    schema = {"things": {"properties": {"name": {"type": "string"}}}}
    api = RestApi("crm", schema)
    schema["things"]["properties"]["name"]["type"] = "integer"
    assert api == RestApi("crm", PLAIN)
    api.to_json()["resources"].clear()
    assert api.to_json()["resources"] == PLAIN


def test_it_says_where_it_is_reached():
    api = RestApi("ticket-desk", PLAIN, port=9000)
    assert api.variable == "CLAWMARK_TICKET_DESK_URL"
    assert api.to_json() == {"service": "rest", "name": "ticket-desk", "port": 9000, "resources": PLAIN}


@pytest.mark.parametrize(
    ("name", "resources", "port", "told"),
    [
        ("HR", PLAIN, 8080, "lower case"),
        ("", PLAIN, 8080, "lower case"),
        ("a--b", PLAIN, 8080, "lower case"),
        ("email", PLAIN, 8080, "taken"),
        ("hr", PLAIN, 0, "port"),
        ("hr", PLAIN, True, "port"),
        ("hr", {}, 8080, "at least one"),
        ("hr", {"things": 3}, 8080, "must be an object"),
        ("hr", {"things": {}}, 8080, "under 'properties'"),
        ("hr", {"things": {"type": "array", "properties": {"a": {}}}}, 8080, "type object"),
        ("hr", {"things": {"properties": {"a": {"type": "strin"}}}}, 8080, "properties.a.type"),
        ("hr", {"things": {"properties": {"a": 1}}}, 8080, "field 'a'"),
        ("hr", {"things": {"properties": {"limit": {}}}}, 8080, "'limit'"),
        ("hr", {"things": {"properties": {"a__b": {}}}}, 8080, "'a__b'"),
        ("hr", {"resource": {"properties": {"a": {}}}}, 8080, "resource 'resource'"),
        ("hr", {"class": {"properties": {"a": {}}}}, 8080, "word of Python"),
        ("hr", {"Things": {"properties": {"a": {}}}}, 8080, "resource 'Things'"),
        ("hr", {"things": {"key": "n", "properties": {"n": {"type": "number"}}}}, 8080, "string or integer"),
        ("hr", {"things": {"key": 5, "properties": {"n": {}}}}, 8080, "'key'"),
        ("hr", {"things": {"properties": {"a": {"default": {1, 2}}}}}, 8080, "plain JSON"),
    ],
)
def test_a_malformed_declaration_is_told_with_its_place(name, resources, port, told):
    with pytest.raises(ValueError, match="RestApi") as wrong:
        RestApi(name, resources, port)
    assert told in str(wrong.value)


def test_the_skill_is_written_from_the_declaration(desk):
    text = desk.service.skill()
    assert "$CLAWMARK_HR_URL" in text
    assert "http://hr:8080" in text
    assert "Everybody on the payroll." in text
    assert "| `status` | `open` or `closed` |  | Where the case stands. |" in text
    assert "| `no` (the id) | integer | generated if absent |  |" in text
    assert "| `name` | string | yes |  |" in text
