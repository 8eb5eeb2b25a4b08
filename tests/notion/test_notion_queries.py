from __future__ import annotations

import pytest


@pytest.fixture
def staff(office, spell):
    columns = {
        "Notes": {"rich_text": {}},
        "Score": {"number": {}},
        "Level": {"select": {"options": [{"name": "low"}, {"name": "mid"}, {"name": "high"}]}},
        "Tags": {"multi_select": {"options": [{"name": "x"}]}},
        "State": {"status": {}},
        "Due": {"date": {}},
        "Done": {"checkbox": {}},
        "Who": {"people": {}},
        "Papers": {"files": {}},
        "Made": {"created_time": {}},
        "Maker": {"created_by": {}},
        "No": {"unique_id": {}},
        "Mail": {"email": {}},
    }
    staff = office.database("Staff", **columns)
    person = office.ok("GET", "users")["results"][1]
    office.row(
        staff,
        "Ada",
        Notes=spell.rich("Speaks Spanish"),
        Score={"number": 3},
        Level={"select": {"name": "high"}},
        Tags={"multi_select": [{"name": "x"}, {"name": "y"}]},
        State={"status": {"name": "Done"}},
        Due={"date": {"start": "2024-03-19"}},
        Done={"checkbox": True},
        Who={"people": [{"id": person["id"]}]},
        Mail={"email": "ada@example.com"},
    )
    office.row(
        staff,
        "Bo",
        Notes=spell.rich("speaks German"),
        Score={"number": 1.5},
        Level={"select": {"name": "low"}},
        Due={"date": {"start": "2024-03-25T10:00:00+08:00"}},
        Papers={"files": [{"name": "cv", "external": {"url": "https://x.example/cv"}}]},
    )
    office.row(staff, "Cy")
    return staff


def test_an_unsorted_query_returns_the_newest_first(office, staff):
    assert office.names(staff) == ["Cy", "Bo", "Ada"]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({"property": "Name", "title": {"equals": "Ada"}}, "Ada"),
        ({"property": "Name", "rich_text": {"contains": "A"}}, "Ada"),
        ({"property": "Notes", "rich_text": {"contains": "SPEAKS"}}, "Bo Ada"),
        ({"property": "Notes", "rich_text": {"does_not_contain": "spanish"}}, "Cy Bo"),
        ({"property": "Notes", "rich_text": {"does_not_equal": "Speaks Spanish"}}, "Cy Bo"),
        ({"property": "Notes", "rich_text": {"starts_with": "Speaks"}}, "Bo Ada"),
        ({"property": "Notes", "rich_text": {"ends_with": "german"}}, "Bo"),
        ({"property": "Notes", "rich_text": {"is_empty": True}}, "Cy"),
        ({"property": "Notes", "rich_text": {"is_not_empty": True}}, "Bo Ada"),
        ({"property": "Mail", "email": {"ends_with": "example.com"}}, "Ada"),
        ({"property": "Score", "number": {"equals": 3}}, "Ada"),
        ({"property": "Score", "number": {"does_not_equal": 3}}, "Cy Bo"),
        ({"property": "Score", "number": {"greater_than": 1.5}}, "Ada"),
        ({"property": "Score", "number": {"greater_than_or_equal_to": 1.5}}, "Bo Ada"),
        ({"property": "Score", "number": {"less_than": 3}}, "Bo"),
        ({"property": "Score", "number": {"less_than_or_equal_to": 3}}, "Bo Ada"),
        ({"property": "Score", "number": {"is_empty": True}}, "Cy"),
        ({"property": "No", "unique_id": {"greater_than": 1}}, "Cy Bo"),
        ({"property": "Level", "select": {"equals": "high"}}, "Ada"),
        ({"property": "Level", "select": {"equals": ["high", "low"]}}, "Bo Ada"),
        ({"property": "Level", "select": {"does_not_equal": "high"}}, "Cy Bo"),
        ({"property": "Level", "select": {"is_empty": True}}, "Cy"),
        ({"property": "State", "status": {"equals": "Done"}}, "Ada"),
        ({"property": "State", "status": {"does_not_equal": "Done"}}, "Cy Bo"),
        ({"property": "Tags", "multi_select": {"contains": "y"}}, "Ada"),
        ({"property": "Tags", "multi_select": {"does_not_contain": "y"}}, "Cy Bo"),
        ({"property": "Tags", "multi_select": {"is_empty": True}}, "Cy Bo"),
        ({"property": "Done", "checkbox": {"equals": False}}, "Cy Bo"),
        ({"property": "Done", "checkbox": {"does_not_equal": False}}, "Ada"),
        ({"property": "Papers", "files": {"is_not_empty": True}}, "Bo"),
        ({"property": "Who", "people": {"is_empty": True}}, "Cy Bo"),
        ({"property": "Maker", "created_by": {"contains": "me"}}, "Cy Bo Ada"),
        ({"property": "Maker", "created_by": {"does_not_contain": "me"}}, ""),
        ({"property": "Due", "date": {"equals": "2024-03-19"}}, "Ada"),
        ({"property": "Due", "date": {"equals": "today"}}, "Ada"),
        ({"property": "Due", "date": {"equals": "tomorrow"}}, ""),
        ({"property": "Due", "date": {"before": "2024-03-25"}}, "Ada"),
        ({"property": "Due", "date": {"after": "2024-03-19"}}, "Bo"),
        ({"property": "Due", "date": {"after": "2024-03-25T01:59:59Z"}}, "Bo"),
        ({"property": "Due", "date": {"after": "2024-03-25T02:00:00Z"}}, ""),
        ({"property": "Due", "date": {"on_or_after": "2024-03-25T02:00:00Z"}}, "Bo"),
        ({"property": "Due", "date": {"on_or_before": "2024-03-25"}}, "Bo Ada"),
        ({"property": "Due", "date": {"next_week": {}}}, "Bo Ada"),
        ({"property": "Due", "date": {"this_week": {}}}, "Ada"),
        ({"property": "Due", "date": {"past_month": {}}}, "Ada"),
        ({"property": "Due", "date": {"is_empty": True}}, "Cy"),
        ({"property": "Made", "created_time": {"equals": "2024-03-19"}}, "Cy Bo Ada"),
        ({"timestamp": "created_time", "created_time": {"past_week": {}}}, "Cy Bo Ada"),
        ({"timestamp": "last_edited_time", "last_edited_time": {"before": "2024-03-19"}}, ""),
        (
            {
                "and": [
                    {"property": "Score", "number": {"is_not_empty": True}},
                    {
                        "or": [
                            {"property": "Name", "title": {"equals": "Bo"}},
                            {"property": "Name", "title": {"equals": "Cy"}},
                        ]
                    },
                ]
            },
            "Bo",
        ),
        ({"or": []}, ""),
        ({"and": []}, "Cy Bo Ada"),
    ],
)
def test_filters(office, staff, condition, names):
    assert office.names(staff, filter=condition) == names.split()


def test_a_filter_may_name_a_column_by_its_id(office, staff):
    column = staff["properties"]["Score"]["id"]
    assert office.names(staff, filter={"property": column, "number": {"equals": 3}}) == ["Ada"]


def test_people_are_found_by_id(office, staff):
    person = office.ok("GET", "users")["results"][1]["id"].replace("-", "")
    assert office.names(staff, filter={"property": "Who", "people": {"contains": person}}) == ["Ada"]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"property": "Nope", "number": {"equals": 1}}, "Could not find property with name or id: Nope"),
        (
            {"property": "Level", "status": {"equals": "high"}},
            (
                "The property type in the database does not match the property type of the filter provided: "
                "database property select does not match filter status"
            ),
        ),
        (
            {"property": "Level", "rich_text": {"equals": "high"}},
            "database property select does not match filter text",
        ),
        (
            {"property": "Level", "select": {"equals": "top"}},
            'select option "top" not found for property "Level". Available options: "low", "mid", "high".',
        ),
        (
            {"property": "Score", "number": {"contains": 1}},
            "body.filter.number.contains should be not present",
        ),
        ({"property": "Score", "number": {"equals": "1"}}, 'should be a number, instead was `"1"`'),
        ({"property": "Score", "number": {}}, "body.filter.number.equals should be defined"),
        ({"property": "Score"}, "body.filter.number should be defined, instead was `undefined`."),
        ({"property": "Notes", "text": {"equals": "x"}}, "body.filter.rich_text should be defined"),
        ({"property": "Score", "number": {"is_empty": False}}, "should be `true`, instead was `false`"),
        ({"property": ["Score"], "number": {"equals": 1}}, "body.filter.property should be a string"),
        ({"timestamp": "edited", "edited": {}}, "body.filter.timestamp should be"),
        ({"property": "Due", "date": {"equals": "soon"}}, "a valid ISO 8601 date string"),
        ({"property": "Due", "date": {"past_week": 1}}, "should be an object"),
        ({}, "body.filter.or should be defined"),
        ([], "body.filter should be an object"),
        (
            {"and": [{"or": [{"and": [{"property": "Score", "number": {"equals": 1}}]}]}]},
            "should be not present",
        ),
    ],
)
def test_filters_that_notion_refuses(office, staff, condition, message):
    assert message in office.refused("POST", f"databases/{staff['id']}/query", {"filter": condition})


@pytest.mark.parametrize(
    ("sorts", "names"),
    [
        ([{"property": "Score", "direction": "ascending"}], "Bo Ada Cy"),
        ([{"property": "Score", "direction": "descending"}], "Ada Bo Cy"),
        ([{"property": "Name", "direction": "ascending"}], "Ada Bo Cy"),
        ([{"property": "Level", "direction": "ascending"}], "Bo Ada Cy"),
        ([{"property": "Due", "direction": "descending"}], "Bo Ada Cy"),
        ([{"timestamp": "created_time", "direction": "ascending"}], "Ada Bo Cy"),
        ([{"timestamp": "last_edited_time", "direction": "descending"}], "Cy Bo Ada"),
        ([{"property": "Made", "direction": "ascending"}], "Ada Bo Cy"),
        (
            [{"property": "Done", "direction": "ascending"}, {"property": "Name", "direction": "descending"}],
            "Cy Bo Ada",
        ),
        ([], "Cy Bo Ada"),
    ],
)
def test_sorts(office, staff, sorts, names):
    assert office.names(staff, sorts=sorts) == names.split()


@pytest.mark.parametrize(
    ("sort", "message"),
    [
        ({"property": "Nope", "direction": "ascending"}, "Could not find property with name or id: Nope"),
        (
            {"property": "Score", "direction": "up"},
            'should be `"ascending"` or `"descending"`, instead was `"up"`.',
        ),
        ({"property": "Score"}, "body.sorts[0].direction should be"),
        ({"direction": "ascending"}, "body.sorts[0].property should be defined"),
    ],
)
def test_sorts_that_notion_refuses(office, staff, sort, message):
    assert message in office.refused("POST", f"databases/{staff['id']}/query", {"sorts": [sort]})


def test_pages_of_a_query_join_up_even_when_rows_arrive_in_between(office, staff):
    where = f"databases/{staff['id']}/query"
    first = office.ok("POST", where, {"page_size": 2})
    assert (len(first["results"]), first["has_more"]) == (2, True)
    office.row(staff, "Di")
    second = office.ok("POST", where, {"page_size": 2, "start_cursor": first["next_cursor"]})
    names = [
        page["properties"]["Name"]["title"][0]["plain_text"] for page in first["results"] + second["results"]
    ]
    assert names == ["Cy", "Bo", "Ada"]
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_a_query_returns_at_most_100_rows(office, spell):
    staff = office.database()
    for number in range(101):
        office.row(staff, str(number))
    answer = office.ok("POST", f"databases/{staff['id']}/query", {})
    assert (len(answer["results"]), answer["has_more"]) == (100, True)
    last = office.ok("POST", f"databases/{staff['id']}/query", {"start_cursor": answer["next_cursor"]})
    assert len(last["results"]) == 1


@pytest.mark.parametrize(
    ("paging", "message"),
    [
        ({"page_size": 101}, "body.page_size should be ≤ `100`, instead was `101`."),
        ({"page_size": 0}, "body.page_size should be ≥ `1`, instead was `0`."),
        ({"page_size": "many"}, 'body.page_size should be a number or `undefined`, instead was `"many"`.'),
        ({"page_size": 1.5}, "body.page_size"),
        ({"start_cursor": "x"}, 'body.start_cursor should be a valid uuid, instead was `"x"`.'),
        (
            {"start_cursor": "00000000-0000-0000-0000-000000000000"},
            "The start_cursor provided is invalid: 00000000-0000-0000-0000-000000000000",
        ),
    ],
)
def test_paging_that_notion_refuses(office, staff, paging, message):
    assert message in office.refused("POST", f"databases/{staff['id']}/query", paging)


def test_filter_properties_limits_the_rows(office, staff):
    score, name = staff["properties"]["Score"]["id"], "title"
    query = f"filter_properties[]={score}&filter_properties[]={name}"
    rows = office.ok("POST", f"databases/{staff['id']}/query?{query}", {})["results"]
    assert [set(row["properties"]) for row in rows] == [{"Score", "Name"}] * 3
    refused = office.refused("POST", f"databases/{staff['id']}/query?filter_properties=nope", {})
    assert refused == "Could not find property with name or id: nope"


def test_rows_in_the_trash_are_found_only_when_asked_for(office, staff):
    (ada,) = office.ok(
        "POST", f"databases/{staff['id']}/query", {"filter": {"property": "Score", "number": {"equals": 3}}}
    )["results"]
    office.ok("DELETE", f"blocks/{ada['id']}")
    assert office.names(staff) == ["Cy", "Bo"]
    assert office.names(staff, in_trash=True) == ["Ada"]
