"""Drive: finding, making, moving, sharing and deleting files."""

import io

import pytest

FOLDER = "application/vnd.google-apps.folder"
SHEET = "application/vnd.google-apps.spreadsheet"
FILES = "/drive/v3/files"


def make(office, name, mime=SHEET, **more):
    return office.ok("POST", FILES, {"name": name, "mimeType": mime, **more})["id"]


def names(office, query):
    return [file["name"] for file in office.ok("GET", FILES, q=query)["files"]]


def test_the_published_clients_sequence_works(office):
    folder = office.ok("POST", FILES, {"name": "F", "mimeType": FOLDER}, fields="id")
    made = office.ok("POST", "/v4/spreadsheets", {"properties": {"title": "S"}}, fields="spreadsheetId")
    sheet = made["spreadsheetId"]
    assert (set(folder), set(made)) == ({"id"}, {"spreadsheetId"})
    moved = office.http.patch(
        f"{FILES}/{sheet}?addParents={folder['id']}&removeParents=root&fields=id",
        headers={"Authorization": f"Bearer {office.token}"},
    )
    assert (moved.status_code, moved.json) == (200, {"id": sheet})
    shared = office.ok("POST", f"{FILES}/{sheet}/permissions", {"role": "writer", "type": "anyone"})
    assert (shared["id"], shared["role"]) == ("anyoneWithLink", "writer")
    query = f"'{folder['id']}' in parents and name='S' and mimeType='{SHEET}' and trashed=false"
    assert names(office, query) == ["S"]
    assert names(office, "'root' in parents") == ["F"]
    deleted = office.send("DELETE", f"{FILES}/{sheet}")
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert office.refused("GET", f"/v4/spreadsheets/{sheet}")[0] == 404


def test_a_file_is_made_with_few_fields_and_tells_more_when_asked(office):
    made = office.ok("POST", FILES, {"name": "S", "mimeType": SHEET, "unknownField": 1})
    assert set(made) == {"kind", "id", "name", "mimeType"}
    asked = "id,name,createdTime,modifiedTime,parents,owners(emailAddress)"
    told = office.ok("GET", f"{FILES}/{made['id']}", fields=asked)
    assert told["createdTime"] == "2024-03-19T01:00:02.000Z"
    assert told["owners"] == [{"emailAddress": "mia.chen@company.example"}]
    assert len(told["parents"]) == 1


def test_a_write_to_a_sheet_is_a_change_of_its_file(book):
    before = book.office.ok("GET", f"{FILES}/{book.id}", fields="modifiedTime")
    book.put("A1", [["x"]])
    after = book.office.ok("GET", f"{FILES}/{book.id}", fields="modifiedTime")
    assert after["modifiedTime"] > before["modifiedTime"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name = 'Plan B'", ["Plan B"]),
        ('name = "Plan B"', ["Plan B"]),
        (r"name = 'It\'s \\ here'", ["It's \\ here"]),
        ("name contains 'pla'", ["Plan B", "Plan A"]),
        ("name contains 'lan'", []),
        ("name != 'Plan A' and not name contains 'it'", ["Plan B", "Stuff"]),
        ("name = 'Plan A' or name='Stuff'", ["Stuff", "Plan A"]),
        ("(name = 'Plan A' or name='Plan B') and mimeType != 'text/plain'", ["Plan B", "Plan A"]),
        ("mimeType contains 'application/vnd.google-apps.f'", ["Stuff"]),
        ("trashed = true", []),
        ("trashed = false and starred=true", []),
        ("modifiedTime > '2024-03-19T01:00:03'", ["It's \\ here", "Plan B"]),
        ("'mia.chen@company.example' in owners", ["It's \\ here", "Plan B", "Stuff", "Plan A"]),
        ("parents in 'root' and name='Stuff'", ["Stuff"]),
    ],
)
def test_files_are_found_by_drives_query(office, query, found):
    for name, mime in (("Plan A", SHEET), ("Stuff", FOLDER), ("Plan B", SHEET), ("It's \\ here", SHEET)):
        make(office, name, mime)
    assert names(office, query) == found


@pytest.mark.parametrize(
    "query", ["name", "name = ", "name ~ 'x'", "'x' in nothing", "(name='x'", "name='x", "trashed=1"]
)
def test_a_query_that_means_nothing_is_refused_in_drives_words(office, query):
    response = office.send("GET", FILES, query_string={"q": query})
    assert response.status_code == 400
    assert response.json["error"]["errors"] == [
        {
            "message": "Invalid Value",
            "domain": "global",
            "reason": "invalid",
            "location": "q",
            "locationType": "parameter",
        }
    ]


def test_lists_come_in_pages(office):
    for number in range(5):
        make(office, f"f{number}")
    first = office.ok("GET", FILES, pageSize="2", orderBy="name", pageToken="")
    second = office.ok("GET", FILES, pageSize="2", orderBy="name", pageToken=first["nextPageToken"])
    third = office.ok("GET", FILES, pageSize="2", orderBy="name", pageToken=second["nextPageToken"])
    found = [file["name"] for page in (first, second, third) for file in page["files"]]
    assert found == ["f0", "f1", "f2", "f3", "f4"]
    assert "nextPageToken" not in third
    assert office.refused("GET", FILES, pageSize="0")[0] == 400
    assert office.refused("GET", FILES, pageToken="nonsense")[0] == 400
    assert office.refused("GET", FILES, orderBy="colour")[0] == 400


def test_a_copy_is_a_file_of_its_own(book):
    book.put("A1", [["a"]])
    copied = book.office.ok("POST", f"{FILES}/{book.id}/copy", {"name": None})
    assert copied["name"] == "Copy of Budget"
    book.put("A1", [["b"]])
    assert book.office.ok("GET", f"/v4/spreadsheets/{copied['id']}/values/A1")["values"] == [["a"]]


def test_a_file_that_is_not_there_is_not_found(office):
    response = office.send("GET", f"{FILES}/nope")
    assert response.json == {
        "error": {
            "code": 404,
            "message": "File not found: nope.",
            "errors": [
                {
                    "message": "File not found: nope.",
                    "domain": "global",
                    "reason": "notFound",
                    "location": "fileId",
                    "locationType": "parameter",
                }
            ],
        }
    }
    assert office.refused("POST", FILES, {"name": "x", "parents": ["nope"]}) == (404, "File not found: nope.")


def test_trashed_files_stay_readable_and_folders_take_their_contents_along(office):
    folder = make(office, "F", FOLDER)
    sheet = make(office, "S", parents=[folder])
    office.ok("PATCH", f"{FILES}/{sheet}", {"trashed": True})
    assert names(office, "trashed=true") == ["S"]
    office.ok("GET", f"/v4/spreadsheets/{sheet}")
    office.send("DELETE", f"{FILES}/{folder}")
    assert office.refused("GET", f"{FILES}/{sheet}")[0] == 404


def test_permissions_are_given_listed_and_taken(book):
    path = f"{FILES}/{book.id}/permissions"
    bob = {"type": "user", "role": "reader", "emailAddress": "bob@company.example"}
    first = book.office.ok("POST", path, bob)
    again = book.office.ok("POST", path, {**bob, "role": "writer"}, fields="id,role,emailAddress")
    assert again == {"id": first["id"], "role": "writer", "emailAddress": "bob@company.example"}
    listed = book.office.ok("GET", path, fields="permissions(role)")
    assert listed == {"permissions": [{"role": "owner"}, {"role": "writer"}]}
    assert book.office.send("DELETE", f"{path}/{first['id']}").status_code == 204
    assert book.office.refused("DELETE", f"{path}/{first['id']}")[0] == 404
    assert book.office.refused("POST", path, {"type": "user"}) == (
        400,
        "The permission role field is required.",
    )


def test_csv_goes_in_and_comes_out(book):
    upload = book.office.send(
        "PUT", f"/upload/drive/v2/files/{book.id}?uploadType=media&convert=True", data=b'a,"b, c"\n1,2\n'
    )
    assert upload.status_code == 200
    assert book.get("Budget")["values"] == [["a", "b, c"], ["1", "2"]]
    exported = book.office.send("GET", f"{FILES}/{book.id}/export?mimeType=text/csv")
    assert exported.data == b'a,"b, c"\r\n1,2'


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sharedWithMe", ["Bob's"]),
        ("sharedWithMe = false", ["Mine", "Open"]),
        ("not sharedWithMe", ["Mine", "Open"]),
        ("'me' in owners", ["Mine", "Open"]),
        ("'bob@company.example' in owners and 'me' in readers", ["Bob's"]),
        ("visibility = 'anyoneWithLink'", ["Open"]),
        ("visibility != 'limited'", ["Open"]),
        ("properties has { key='a' and value='b' }", []),
        ("not appProperties has {key='a'}", ["Bob's", "Mine", "Open"]),
        ("sharedWithMeTime > '2000-01-01T00:00:00' and name = 'Mine'", ["Mine"]),
    ],
)
def test_queries_about_sharing(office, query, found):
    office.service.author.create("Bob's", owner="bob@company.example", role="reader")
    office.service.author.create("Hidden", owner="bob@company.example")
    for name in ("Mine", "Open"):
        made = office.ok("POST", "/drive/v3/files", {"name": name})["id"]
    office.ok("POST", f"/drive/v3/files/{made}/permissions", {"type": "anyone", "role": "reader"})
    listed = office.ok("GET", "/drive/v3/files", q=query)["files"]
    assert sorted(file["name"] for file in listed) == found


@pytest.mark.parametrize(
    "query", ["visibility = 'x'", "properties has {}", "properties has {key=1}", "{", "name has 'x'"]
)
def test_queries_about_sharing_that_mean_nothing_are_refused(office, query):
    assert office.refused("GET", "/drive/v3/files", q=query)[0] == 400


def test_a_permission_gets_another_role_and_the_owner_keeps_theirs(book):
    office, file = book.office, f"/drive/v3/files/{book.id}"
    body = {"type": "user", "role": "reader", "emailAddress": "bob@company.example"}
    made = office.ok("POST", f"{file}/permissions", body)["id"]
    assert office.ok("PATCH", f"{file}/permissions/{made}", {"role": "writer"})["role"] == "writer"
    assert office.ok("GET", f"{file}/permissions/{made}")["role"] == "writer"
    assert office.refused("PATCH", f"{file}/permissions/{made}", {"role": "king"})[0] == 400
    owner = office.ok("GET", f"{file}/permissions", fields="permissions(id,role)")["permissions"][0]["id"]
    assert office.refused("PATCH", f"{file}/permissions/{owner}", {"role": "reader"})[0] == 403


def test_a_spreadsheet_is_exported_as_a_workbook(book):
    openpyxl = pytest.importorskip("openpyxl")
    book.put("A1", [["Item", "Cost"], ["=not", 12.5], ["2024-03-01", "=B2*2"]])
    book.put("A3", [["2024-03-01", "=B2*2"]], "USER_ENTERED")
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    area = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 2}
    book.batch(
        {"repeatCell": {"range": area, "cell": bold, "fields": "userEnteredFormat"}},
        {"mergeCells": {"range": {**area, "startRowIndex": 4, "endRowIndex": 6}}},
        {"addSheet": {"properties": {"title": "a/b", "hidden": True}}},
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = book.office.send("GET", f"/drive/v3/files/{book.id}/export", query_string={"mimeType": kind})
    assert (response.status_code, response.mimetype) == (200, kind)
    again = book.office.send("GET", f"/drive/v3/files/{book.id}/export", query_string={"mimeType": kind})
    assert again.data == response.data
    loaded = openpyxl.load_workbook(io.BytesIO(response.data))
    page = loaded.worksheets[0]
    assert [[cell.value for cell in row] for row in page["A1:B2"]] == [["Item", "Cost"], ["=not", 12.5]]
    assert page["A3"].value.isoformat() == "2024-03-01T00:00:00"
    assert page["B3"].value == "=B2*2"
    assert page["A1"].font.bold
    assert [str(merged) for merged in page.merged_cells.ranges] == ["A5:B6"]
    assert (loaded.sheetnames, loaded.worksheets[1].sheet_state) == (["Sheet1", "a_b"], "hidden")


def test_several_calls_come_in_one_batch(book):
    lines = []
    for number, call in enumerate(
        [
            f"GET /drive/v3/files/{book.id}?fields=name HTTP/1.1",
            "GET /drive/v3/files/nope HTTP/1.1",
            (
                "POST https://www.googleapis.com/drive/v3/files HTTP/1.1\r\n"
                'Content-Type: application/json\r\n\r\n{"name": "New"}'
            ),
        ]
    ):
        lines += ["--x", "Content-Type: application/http", f"Content-ID: <call-{number}>", "", call, ""]
        lines += [] if "\r\n" in call else [""]
    answer = book.office.send(
        "POST",
        "/batch/drive/v3",
        data="\r\n".join([*lines, "--x--", ""]),
        content_type="multipart/mixed; boundary=x",
    )
    assert (answer.status_code, answer.mimetype) == (200, "multipart/mixed")
    text = answer.text
    assert [line for line in text.splitlines() if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 NOT FOUND",
        "HTTP/1.1 200 OK",
    ]
    assert "Content-ID: <response-call-1>" in text
    assert [file["name"] for file in book.office.ok("GET", "/drive/v3/files")["files"]] == ["New", "Budget"]


@pytest.mark.parametrize(("content", "kind"), [("x", "text/plain"), ("--x--", "multipart/mixed; boundary=x")])
def test_a_batch_that_is_none_is_refused(office, content, kind):
    answer = office.send("POST", "/batch/drive/v3", data=content, content_type=kind)
    assert answer.status_code == 400
    assert answer.json["error"]["message"].startswith("Failed to parse batch request")


def test_drive_tells_whose_it_is_gives_ids_and_empties_its_trash(book):
    office = book.office
    assert office.ok("GET", "/drive/v3/about", fields="user(emailAddress,me)") == {
        "user": {"emailAddress": "mia.chen@company.example", "me": True}
    }
    assert office.refused("GET", "/drive/v3/about")[0] == 400
    assert len(set(office.ok("GET", "/drive/v3/files/generateIds", count=3)["ids"])) == 3
    office.ok("PATCH", f"/drive/v3/files/{book.id}", {"trashed": True})
    assert office.send("DELETE", "/drive/v3/files/trash").status_code == 204
    assert office.ok("GET", "/drive/v3/files")["files"] == []
