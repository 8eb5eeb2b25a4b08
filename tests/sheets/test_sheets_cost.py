"""What an agent's formulas and patterns may cost: each of these once took minutes, or all memory."""

from __future__ import annotations

from typing import Any

import pytest
from sheets_office import Book

from clawmark_services.sheets.patterns import BadPattern, Pattern, TooMuch, Wildcard


def _shown(book: Book, cells: str) -> Any:
    return book.get(cells).get("values")


def _entered(book: Book, cell: str, formula: str) -> Any:
    book.put(cell, [[formula]], "USER_ENTERED")
    return _shown(book, cell)[0][0]


@pytest.mark.parametrize(
    ("criterion", "text", "fits"),
    [
        ("*a" * 40 + "*b", "a" * 5000, False),
        ("*a" * 40 + "*", "xA" * 5000, True),
        ("?" * 30 + "*" + "a?" * 30 + "b", "a" * 20_000, False),
        ("a*b", "ab", True),
        ("ab*b", "ab", False),
        ("a~*b", "a*b", True),
        ("a~?~~", "A?~", True),
        ("*", "", True),
        ("?", "", False),
        ("a?c*", "abcde\n", True),
    ],
)
def test_a_wildcard_is_matched_without_backtracking(criterion: str, text: str, fits: bool) -> None:
    assert Wildcard.of(criterion).fits(text) is fits


def test_countif_with_a_hostile_criterion_still_counts(book: Book) -> None:
    book.put("B1:B3", [["a" * 4000], ["a" * 4000 + "b"], ["b"]])
    assert _entered(book, "A1", f'=COUNTIF(B1:B3,"{"*a" * 30}*b")') == "1"


def test_find_and_replace_takes_a_pattern_that_would_backtrack_for_ever(book: Book) -> None:
    book.put("A1", [["a" * 60 + "!"]])
    request = {"find": "(a+)+$", "replacement": "x", "searchByRegex": True, "allSheets": True}
    assert book.batch({"findReplace": request}) == [{"findReplace": {}}]
    request |= {"find": "(a+)(!)", "replacement": "$2$1\\$"}
    book.batch({"findReplace": request})
    assert _shown(book, "A1") == [["!" + "a" * 60 + "$"]]


def test_find_and_replace_refuses_what_no_cell_could_hold(book: Book) -> None:
    book.put("A1", [["a" * 40_000]])
    request = {"find": "a", "replacement": "b" * 40_000, "allSheets": True}
    assert "too long" in book.batch_refused({"findReplace": request})
    request |= {"find": "a", "replacement": "$1", "searchByRegex": True}
    assert "no group 1" in book.batch_refused({"findReplace": request})
    assert _shown(book, "A1") == [["a" * 40_000]]


def test_a_pattern_may_be_searched_for_only_so_long() -> None:
    pattern = Pattern.of("x(?:.*y)?")
    with pytest.raises(TooMuch):
        pattern.replaced("x" * 50_000, "z", most=50_000)
    with pytest.raises(BadPattern):
        Pattern.of("(?=a)")


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ('=REGEXMATCH("Invoice 42","\\d+")', "TRUE"),
        ('=REGEXMATCH("Invoice","^\\d+$")', "FALSE"),
        ('=REGEXEXTRACT("Invoice 42 of 50","(\\d+) of")', "42"),
        ('=REGEXEXTRACT("Invoice 42","\\d+")', "42"),
        ('=REGEXEXTRACT("Invoice","\\d+")', "#N/A"),
        ('=REGEXREPLACE("a-b-c","(\\w)-","$1+")', "a+b+c"),
        ('=REGEXREPLACE("abc","(","")', "#REF!"),
        ("=REGEXMATCH(42,1)", "#VALUE!"),
        (f'=REGEXMATCH("{"a" * 60}!","^(a+)+$")', "FALSE"),
        ('=REGEXREPLACE(REPT("a",30000),"a","bbbb")', "#VALUE!"),
    ],
)
def test_functions_of_patterns_answer_as_re2_does(book: Book, formula: str, shown: str) -> None:
    assert _entered(book, "A1", formula) == shown


@pytest.mark.parametrize(
    "formula",
    [
        "=A1&A1",
        '=SUBSTITUTE(A1,"x",A1)',
        "=TEXTJOIN(A1,FALSE,A1,A1)",
        "=JOIN(A1,A1,A1)",
        "=CONCATENATE(A1,A1)",
        "=REPLACE(A1,1,0,A1)",
    ],
)
def test_no_text_grows_beyond_what_a_cell_holds(book: Book, formula: str) -> None:
    book.put("A1", [["x" * 40_000]])
    assert _entered(book, "B1", formula) == "#VALUE!"


def test_a_chain_of_doublings_ends_at_a_cell_s_length(book: Book) -> None:
    book.put("A1:A40", [["x"], *([f"=A{row}&A{row}"] for row in range(1, 40))], "USER_ENTERED")
    shown = [row[0] for row in _shown(book, "A1:A40")]
    assert [len(text) for text in shown[:16]] == [2**row for row in range(16)]
    assert set(shown[16:]) == {"#VALUE!"}


def test_a_range_far_beyond_what_is_filled_costs_nothing(book: Book) -> None:
    book.batch({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 300_000}})
    assert _entered(book, "A1", "=SUM(B1:Z300000)+COUNTIF(B:Z,5)") == "0"


def test_formulas_beyond_the_limit_of_a_calculation_show_an_error(book: Book) -> None:
    book.put("B1:Y700", [list(range(24)) for _ in range(700)])
    formulas = [[f"=SUMPRODUCT($B$1:$Y${row})"] for row in range(1, 701)] + [
        [f'=COUNTIF($B$1:$Y${row},"<>{row}")'] for row in range(1, 301)
    ]
    book.put("A1:A1000", formulas, "USER_ENTERED")
    shown = [row[0] for row in _shown(book, "A1:A1000")]
    assert shown[0] == "276"
    assert shown[-1] == "#ERROR!"


def test_office_formulas_over_thousands_of_rows_stay_below_the_limit(book: Book) -> None:
    book.batch({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 2000}})
    book.put("B1:C3000", [[f"I{row}", row] for row in range(1, 3001)])
    formulas = [
        [f'=VLOOKUP("I{row}",$B$1:$C$3000,2,FALSE)+COUNTIF($B$1:$B$3000,B{row})+MATCH(B{row},$B$1:$B$3000,0)']
        for row in range(1, 3001)
    ]
    book.put("A1:A3000", formulas, "USER_ENTERED")
    shown = [row[0] for row in _shown(book, "A1:A3000")]
    assert shown == [str(2 * row + 1) for row in range(1, 3001)]


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=SUM(1e999,-1e999)", "#NUM!"),
        ("=WORKDAY(1,1000000)-1", "1399998"),
        ('=WORKDAY("2024-03-15",1)-"2024-03-18"', "0"),
        ('=WORKDAY("2024-03-15",-5)-"2024-03-08"', "0"),
        ('=WORKDAY("2024-03-15",2,DATE(2024,3,18))-"2024-03-20"', "0"),
        ('=NETWORKDAYS("2024-03-15","2024-03-18")', "2"),
        ('=NETWORKDAYS("2024-03-18","2024-03-15")', "-2"),
        ("=NETWORKDAYS(0,1000000)", "714285"),
        ("=NETWORKDAYS(0,10000000)", "#NUM!"),
    ],
)
def test_numbers_at_the_edge_are_answered(book: Book, formula: str, shown: str) -> None:
    assert _entered(book, "A1", formula).replace(",", "") == shown


def test_every_formula_on_a_circle_is_an_error_and_ends(book: Book) -> None:
    rows = [[f"=A{row + 1}+SUM(A1:A500)"] for row in range(1, 500)] + [["=A1"]]
    book.put("A1:A500", rows, "USER_ENTERED")
    assert {row[0] for row in _shown(book, "A1:A500")} == {"#REF!"}


@pytest.mark.parametrize(
    "formula", ["=1e999", "=-1e999", "=STDEVP(1e999,1,2)", '="1e308"*10', "=IF(TRUE,1e999)", "=MINIFS(1)"]
)
def test_no_formula_comes_to_infinity(book: Book, formula: str) -> None:
    assert _entered(book, "A1", formula) in ("#NUM!", "#N/A")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400, "1" + "0" * 5000])
def test_a_number_beyond_a_double_is_refused_as_no_json(book: Book, number: str) -> None:
    path = f"/v4/spreadsheets/{book.id}/values/A1?valueInputOption=RAW"
    body = f'{{"values":[[{number}]]}}'
    answer = book.office.send("PUT", path, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "Invalid JSON payload" in answer.json["error"]["message"]


def test_query_s_like_and_patterns_over_many_cells_end(book: Book) -> None:
    book.put("B1:B200", [["a" * 3000 + "!"]] * 200)
    like = f"=QUERY(B1:B200,\"select B where B like '{'%a' * 40}%b'\")"
    assert _entered(book, "A1", like) in ("#N/A", "")
    costly = f'=SUMPRODUCT(REGEXMATCH(B1:B200,"{"(.*a){150}b"}")*1)'
    assert _entered(book, "A1", costly) in ("0", "#ERROR!", "#VALUE!")
    assert Wildcard.like("%b_d%").fits("abcde") is True
    assert Wildcard.like("%B_d%").fits("abcde") is False
    assert Wildcard.like("a%e").fits("abcde") is True
