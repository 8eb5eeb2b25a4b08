"""Whatever Google's schemas, A1 notation, Drive's queries and formulas can say: no fault, no lost state."""

import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st
from sheets_office import Book, Office

from clawmark_services.sheets import calculation, messages
from clawmark_services.sheets.store import SPREADSHEET

FEW = settings(max_examples=150, deadline=None, derandomize=True)

TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["A1", "Sheet1!A1:B2", "=SUM(A:A)", "*", "userEnteredValue,note", "title", "range", "a.b(c)"]
    ),
)
NUMBERS = st.one_of(st.integers(-2, 6), st.sampled_from([0, 0, 0, 1, 2, 1000, 2**31 - 1, -(2**31), 2**31]))
WRONG = st.sampled_from([None, "x", [], {}, True, 1e308, [[]]])


def values(kind: str, depth: int) -> st.SearchStrategy:
    """Mostly what a type of `messages` allows, now and then something else."""
    mark, rest = kind[0], kind[1:]
    plain = {
        "string": TEXTS,
        "integer": NUMBERS,
        "int64": NUMBERS,
        "number": st.one_of(NUMBERS, st.floats(allow_nan=False, allow_infinity=False)),
        "boolean": st.booleans(),
        "any": st.one_of(TEXTS, NUMBERS, st.none()),
    }
    if mark == "#":
        right = message(rest, depth) if depth else st.just({})
    elif mark == "[":
        right = st.lists(values(rest, depth), max_size=2)
    elif mark == "{":
        right = st.dictionaries(st.text(max_size=3), values(rest, depth), max_size=2)
    elif mark == "=":
        right = st.sampled_from(rest.split("|"))
    else:
        right = plain[kind]
    return st.integers(0, 40).flatmap(lambda chance: WRONG if chance == 0 else right)


def message(name: str, depth: int) -> st.SearchStrategy:
    known = messages.fields(name)
    if not known:
        return st.just({})
    # Few fields of many, or all of them: both happen.
    chosen = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)
    if len(known) <= 6:
        chosen = st.one_of(chosen, st.just(sorted(known)))
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({field: values(known[field], depth - 1) for field in names})
    )


REQUESTS = st.sampled_from(sorted(messages.fields("Request"))).flatmap(
    lambda kind: st.builds(lambda payload: {kind: payload}, message(messages.fields("Request")[kind][1:], 5))
)


def furnished():
    office = Office()
    made = office.ok(
        "POST", "/v4/spreadsheets", {"sheets": [{}, {"properties": {"sheetId": 1, "title": "Two"}}]}
    )
    book = Book(office, made["spreadsheetId"])
    book.put("A1", [["Name", "Amount"], ["a", 1], ["b", "=B2*2"], ["c", "=SUM(B2:B3)"]], "USER_ENTERED")
    return book


def restored(office):
    """The state, after it has been through a restart."""
    state = json.dumps(office.service.freeze(), sort_keys=True)
    office.service.restore(json.loads(state))
    assert json.dumps(office.service.freeze(), sort_keys=True) == state
    return state


@FEW
@given(st.lists(REQUESTS, min_size=1, max_size=3))
def test_no_batch_of_requests_is_a_fault_and_a_refused_one_changes_nothing(requests):
    book = furnished()
    before = book.office.service.freeze()["drive"]["files"]
    path = f"/v4/spreadsheets/{book.id}"
    answer = book.office.send("POST", f"{path}:batchUpdate", {"requests": requests})
    assert answer.status_code in (200, 400), answer.text
    restored(book.office)
    if answer.status_code == 400:
        assert answer.json["error"]["status"] == "INVALID_ARGUMENT"
        assert book.office.service.freeze()["drive"]["files"] == before
    else:
        assert book.office.send("GET", path, query_string={"fields": "*"}).status_code == 200


@FEW
@given(
    st.one_of(
        st.text(string.ascii_letters + string.digits + "!:$'_ ", max_size=14),
        st.from_regex(
            r"(('[^']{0,4}'|Sheet1|Two)!)?\$?[A-Z]{0,4}\$?[0-9]{0,8}(:\$?[A-Z]{0,4}\$?[0-9]{0,8})?",
            fullmatch=True,
        ),
    )
)
def test_no_range_is_a_fault_and_what_is_written_is_read_back(cells):
    book = furnished()
    path = f"/v4/spreadsheets/{book.id}/values"
    read = book.office.send("GET", f"{path}:batchGet", query_string={"ranges": cells})
    assert read.status_code in (200, 400), read.text
    body = {"valueInputOption": "RAW", "data": [{"range": cells, "values": [["written"]]}]}
    written = book.office.send("POST", f"{path}:batchUpdate", body)
    assert written.status_code in (200, 400), written.text
    if written.status_code == 200:
        where = written.json["responses"][0]["updatedRange"]
        assert book.values(where) == [["written"]]


WORDS = st.sampled_from(
    [
        *(
            "name",
            "mimeType",
            "trashed",
            "starred",
            "parents",
            "owners",
            "modifiedTime",
            "sharedWithMe",
            "visibility",
        ),
        *(
            "=",
            "!=",
            "<",
            ">=",
            "contains",
            "in",
            "has",
            "and",
            "or",
            "not",
            "(",
            ")",
            "{",
            "}",
            "true",
            "false",
        ),
        *(
            "'x'",
            '"x"',
            "'root'",
            "'me'",
            "'2024-01-01T00:00:00'",
            "'it\\'s'",
            "''",
            "key",
            "value",
            "\\",
            "'",
        ),
    ]
)


@FEW
@given(st.lists(WORDS, max_size=9).map(" ".join))
def test_no_query_is_a_fault(query):
    office = Office()
    office.service.store.add_file("x", office.clock.now(), mime_type=SPREADSHEET)
    answer = office.send("GET", "/drive/v3/files", query_string={"q": query})
    assert answer.status_code in (200, 400), answer.text


ATOMS = st.sampled_from(
    ["A1", "B2:B4", "A:A", "Two!A1", "Name", "1", "2.5", '"x"', "TRUE", "#REF!", "-3", "1:2"]
)
FUNCTIONS = st.sampled_from(
    [*sorted(name for name in calculation._FUNCTIONS if name.isalpha()), "IF", "IFS", "TODAY", "NOPE"]
)
FORMULAS = st.recursive(
    ATOMS,
    lambda below: st.one_of(
        st.tuples(below, st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<", ">="]), below).map("".join),
        st.tuples(FUNCTIONS, st.lists(below, max_size=4)).map(lambda call: f"{call[0]}({','.join(call[1])})"),
    ),
    max_leaves=8,
)


@FEW
@given(st.lists(FORMULAS, min_size=1, max_size=4))
def test_no_formula_is_a_fault(formulas):
    book = furnished()
    book.put("B2", [[f"={formula}"] for formula in formulas], "USER_ENTERED")
    shown = book.values("A1:Z9")
    assert book.values("B2", valueRenderOption="FORMULA") == [[f"={formulas[0]}"]]
    restored(book.office)
    assert book.values("A1:Z9") == shown
