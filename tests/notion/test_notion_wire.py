"""What holds for every request: tokens, versions, bodies, unknown paths, searching, people, comments."""

from __future__ import annotations

import json
import uuid

import pytest


def test_an_unknown_request_is_refused_as_notion_refuses_it(office):
    for method, path in (("GET", "invalid"), ("DELETE", "users"), ("POST", "views"), ("PUT", "pages")):
        status, answer = office.send(method, path)
        assert (status, answer["object"], answer["code"]) == (400, "error", "invalid_request_url")
        assert answer["message"] == "Invalid request URL."
        uuid.UUID(answer["request_id"])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ntn_foreign", "Basic abc", "{token}"])
def test_a_missing_or_foreign_token_is_refused(office, header):
    status, answer = office.send("GET", "users", headers={"Authorization": header.format(token=office.token)})
    assert (status, answer["code"], answer["message"]) == (401, "unauthorized", "API token is invalid.")


def test_a_request_needs_a_version(office):
    answer = office.http.get("/v1/users", headers={"Authorization": f"Bearer {office.token}"})
    assert (answer.status_code, answer.json["code"]) == (400, "missing_version")
    status, answer = office.send("GET", "users", version="1999-01-01")
    assert (status, answer["code"]) == (400, "validation_error")
    assert 'instead was `"1999-01-01"`' in answer["message"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b"not json"])
def test_a_body_that_is_not_json_is_refused(office, body):
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"}
    answer = office.http.post("/v1/search", data=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_json")


def test_a_body_must_be_an_object_and_not_too_large(office):
    assert "body should be an object" in office.refused("POST", "search", [1])
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"}
    answer = office.http.post("/v1/search", data=b" " * 600_000, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "validation_error")
    assert "body.length" in answer.json["message"]


@pytest.mark.parametrize("depth", [3, 100, 400, *range(430, 500, 3), 2000])
def test_deeply_nested_nonsense_is_refused_like_any_other(office, depth):
    staff = office.database()
    before = office.service.freeze()
    body = '{"filter": ' + '{"and": [' * depth + "]}" * depth + "}"
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"}
    answer = office.http.post(f"/v1/databases/{staff['id']}/query", data=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) in ((400, "validation_error"), (400, "invalid_json"))
    assert office.audit[-1]["status"] == 400
    assert office.service.freeze() == before


def test_half_a_surrogate_pair_is_stored_as_a_replacement(office, spell):
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"}
    body = json.dumps({"parent": {"page_id": office.root}, "properties": {"title": spell.words("a\ud83d")}})
    answer = office.http.post("/v1/pages", data=body, headers=headers)
    assert answer.json["properties"]["title"]["title"][0]["plain_text"] == "a\ufffd"
    json.dumps(office.service.freeze(), ensure_ascii=False).encode()


def test_a_bad_id_and_an_unknown_id_have_their_own_refusals(office):
    message = office.refused("GET", "pages/x")
    assert message == 'path failed validation: path.page_id should be a valid uuid, instead was `"x"`.'
    nobody = "00000000-0000-0000-0000-000000000000"
    for path, kind in (("pages", "page"), ("blocks", "block"), ("databases", "database"), ("users", "user")):
        status, answer = office.send("GET", f"{path}/{nobody.replace('-', '')}")
        assert (status, answer["code"]) == (404, "object_not_found")
        assert answer["message"].startswith(
            f"Could not find {kind} with ID: {nobody}. Make sure the relevant pages"
        )
        assert answer["additional_data"]["integration_id"] == office.ok("GET", "users/me")["id"]


def test_unknown_fields_are_refused(office):
    message = office.refused("POST", "search", {"q": "x"})
    assert message == 'body failed validation: body.q should be not present, instead was `"x"`.'


def test_every_request_has_its_own_id_in_body_and_header(office):
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"}
    answers = [office.http.get("/v1/users/me", headers=headers) for _ in range(3)]
    ids = {answer.json["request_id"] for answer in answers}
    assert len(ids) == 3
    assert ids == {answer.headers["x-notion-request-id"] for answer in answers}
    assert answers[0].content_type == "application/json; charset=utf-8"


def test_every_request_is_one_line_of_the_audit(office):
    staff = office.database()
    office.send("GET", "pages/x")
    office.send("GET", "nowhere")
    office.send("GET", "users", headers={"Authorization": "Bearer x"})
    lines = [(line["operation"], line["status"], line["actor"]) for line in office.audit]
    assert lines == [
        ("databases.create", 200, "agent"),
        ("pages.retrieve", 400, "agent"),
        ("unknown: GET /v1/nowhere", 400, "agent"),
        ("users.list", 401, "agent"),
    ]
    assert office.audit[0]["request"]["body"]["properties"] == {"Name": {"title": {}}}
    assert [line["time"] for line in office.audit[:2]] == [
        "2024-03-19T09:00:01+08:00",
        "2024-03-19T09:00:02+08:00",
    ]
    office.row(staff, "x" * 1999)
    assert len(json.dumps(office.audit[-1])) < 1800


def test_search_finds_pages_and_databases_by_words_of_their_titles(office, spell):
    office.database("Intern review")
    other = office.database("Budget")
    office.row(other, "Intern laptops")

    def found(body, version="2022-06-28"):
        results = office.ok("POST", "search", body, version=version)["results"]
        return [(each["object"], office.service._store.workspace.title(each["id"])) for each in results]

    assert found({"query": "intern"}) == [("page", "Intern laptops"), ("database", "Intern review")]
    assert found({"query": "REVIEW intern"}) == [("database", "Intern review")]
    assert found({"query": "nothing like it"}) == []
    only = {"filter": {"property": "object", "value": "database"}}
    assert found(only) == [("database", "Budget"), ("database", "Intern review")]
    only["filter"]["value"] = "data_source"
    assert found(only, "2025-09-03") == [("data_source", "Budget"), ("data_source", "Intern review")]
    assert "body.filter.value should be" in office.refused("POST", "search", only)
    oldest = {"sort": {"timestamp": "last_edited_time", "direction": "ascending"}, "query": "intern"}
    assert found(oldest) == [("database", "Intern review"), ("page", "Intern laptops")]
    first = office.ok("POST", "search", {"query": "intern", "page_size": 1})
    assert (first["has_more"], first["type"]) == (True, "page_or_database")
    second = office.ok("POST", "search", {"query": "intern", "start_cursor": first["next_cursor"]})
    assert len(second["results"]) == 1


def test_search_leaves_out_the_trash(office):
    staff = office.database("Gone soon")
    office.row(staff, "Gone with it")
    office.ok("DELETE", f"blocks/{staff['id']}")
    assert office.ok("POST", "search", {"query": "gone"})["results"] == []


def test_a_fresh_workspace_shares_its_root_page(office):
    (root,) = office.ok("POST", "search", {})["results"]
    assert root["id"] == office.root
    assert root["parent"] == {"type": "workspace", "workspace": True}


def test_users_are_the_people_of_the_world_and_the_integration(office):
    users = office.ok("GET", "users")["results"]
    assert [user.get("person", {}).get("email") for user in users] == [
        "mia.chen@company.example",
        "hrbp@company.example",
        "lee@company.example",
        "workspace-admin@company.example",
        None,
    ]
    me = office.ok("GET", "users/me")
    assert me["type"] == "bot"
    assert me["bot"]["owner"] == {"type": "workspace", "workspace": True}
    assert office.ok("GET", f"users/{users[1]['id']}")["name"] == "hrbp"
    assert office.ok("GET", "users?page_size=2")["has_more"] is True


def test_comments_are_made_answered_and_listed(office, spell):
    staff = office.database()
    page = office.row(staff)
    body = {"parent": {"page_id": page["id"]}, "rich_text": spell.words("Why?")}
    first = office.ok("POST", "comments", body)
    assert first["display_name"] == {"type": "integration", "resolved_name": "Office Assistant"}
    answer = {"discussion_id": first["discussion_id"], "rich_text": spell.words("Because.")}
    second = office.ok("POST", "comments", answer)
    assert second["discussion_id"] == first["discussion_id"]
    listed = office.ok("GET", f"comments?block_id={page['id']}")
    assert listed["type"] == "comment"
    assert [spell.said(each["rich_text"]) for each in listed["results"]] == ["Why?", "Because."]
    assert office.ok("GET", f"comments?block_id={office.root}")["results"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"rich_text": []}, "body.parent should be defined"),
        ({"parent": {}, "rich_text": []}, "body.parent.page_id should be defined"),
        ({"parent": {"page_id": "{root}"}}, "body.rich_text should be defined"),
    ],
)
def test_comments_that_notion_refuses(office, body, message):
    text = json.loads(json.dumps(body).replace("{root}", office.root))
    assert message in office.refused("POST", "comments", text)
    assert "query.block_id should be defined" in office.refused("GET", "comments")
