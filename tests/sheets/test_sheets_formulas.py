"""What formulas come to."""

import pytest


@pytest.fixture
def sums(book):
    book.put("A1", [[1, "x", True], [2, "", "2020-01-01"], [3, "5"]], "USER_ENTERED")
    book.batch({"addSheet": {"properties": {"title": "Other tab"}}})
    book.put("'Other tab'!A1", [[10], [20]])
    return book


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("= 1 / 1024", "0.0009765625"),
        ("=1+2*3^2", "19"),
        ("=-2^2", "4"),
        ("=2^3^2", "64"),
        ("=(1+2)*3", "9"),
        ("=50%", "0.5"),
        ("=10-2-3", "5"),
        ('="a"&1&TRUE', "a1TRUE"),
        ('="say ""hi"""', 'say "hi"'),
        ("=SUM(A1:A3)", "6"),
        ('=SUM(A1:B3,4,"5")', "20"),
        ("=SUM(A:A)", "6"),
        ("=sum(A1:A3; 1)", "7"),
        ("=AVERAGE(A1:A3)", "2"),
        ("=COUNT(A1:C3)", "5"),
        ("=COUNTA(A1:C3)", "7"),
        ("=MIN(A1:A3)&MAX(A1:A3)", "13"),
        ('=IF(A1<2,"low","high")', "low"),
        ('=IF(A1>2,1/0,"ok")', "ok"),
        ("=IF(FALSE,1)", "FALSE"),
        ("=ROUND(2.345,2)", "2.35"),
        ("=ROUND(-2.5)", "-3"),
        ("=ROUND(1234,-2)", "1200"),
        ('=CONCATENATE("a",A1,"b")', "a1b"),
        ("='Other tab'!A1+SUM('Other tab'!A1:A2)", "40"),
        ('=COUNTIF(A1:A3,">=2")', "2"),
        ('=SUMIF(A1:A3,">1",A1:A3)', "5"),
        ('=COUNTIF(B1:B3,"x*")', "1"),
        ('=IFERROR(1/0,"none")', "none"),
        ("=AND(A1=1,C1)", "TRUE"),
        ('="A"="a"', "TRUE"),
        ('=B2=""', "TRUE"),
        ("=B2=0", "TRUE"),
        ("=B2", "0"),
        ('=C2-43831&""', "0"),
        ("=MOD(-3,2)", "1"),
        ('=LEFT("hello",2)&RIGHT("hello",1)&MID("hello",2,3)&LEN("hello")', "heoell5"),
        ("=1/0", "#DIV/0!"),
        ("=AVERAGE(B1:B1)", "#DIV/0!"),
        ("=NOSUCH(1)", "#NAME?"),
        ("=nosuch", "#NAME?"),
        ('="a"+1', "#VALUE!"),
        ("=Nope!A1", "#REF!"),
        ("=IF(1)", "#N/A"),
        ("=ROUND()", "#N/A"),
        ("=1+", "#ERROR!"),
        ("=SUM(1,", "#ERROR!"),
        ("=9^999", "#NUM!"),
        ("=SQRT(-1)", "#NUM!"),
        ("=" + "(" * 500 + "1" + ")" * 500, "#ERROR!"),
    ],
)
def test_a_formula_comes_to(sums, formula, shown):
    assert sums.shown(formula) == shown


def test_an_error_spreads_to_what_reads_it(book):
    book.put("A1", [["=1/0", "=A1+1", "=SUM(A1:B1)"]], "USER_ENTERED")
    assert book.values("A1:C1") == [["#DIV/0!", "#DIV/0!", "#DIV/0!"]]


def test_cells_that_need_each_other_come_to_an_error(book):
    book.put("A1", [["=B1+1", "=A1+1", "=C1"]], "USER_ENTERED")
    assert book.values("A1:C1") == [["#REF!", "#REF!", "#REF!"]]


def test_a_column_of_running_sums_may_be_long(book):
    book.put("A1", [[1]] + [[f"=A{row}+1"] for row in range(1, 1000)], "USER_ENTERED")
    assert book.values("A1000") == [["1000"]]


def test_formulas_follow_a_change_of_what_they_read(book):
    book.put("A1", [[1, "=A1*10"]], "USER_ENTERED")
    book.put("A1", [[7]])
    assert book.values("B1") == [["70"]]


def test_inserted_and_deleted_rows_move_references(book):
    book.put("A1", [[1], [2], [3], ["=SUM(A1:A3)"], ["=$A$2"], ["=A3"]], "USER_ENTERED")
    rows = {"sheetId": 0, "dimension": "ROWS"}
    book.batch({"insertDimension": {"range": {**rows, "startIndex": 1, "endIndex": 3}}})
    formulas = {"valueRenderOption": "FORMULA"}
    assert book.values("A6:A8", **formulas) == [["=SUM(A1:A5)"], ["=$A$4"], ["=A5"]]
    book.batch({"deleteDimension": {"range": {**rows, "startIndex": 4, "endIndex": 5}}})
    assert book.values("A5:A7", **formulas) == [["=SUM(A1:A4)"], ["=$A$4"], ["=#REF!"]]
    assert book.values("A5:A7") == [["3"], ["2"], ["#REF!"]]


def test_a_renamed_tab_keeps_its_readers(sums):
    sums.put("A9", [["='Other tab'!A1&\"'Other tab'!A1\""]], "USER_ENTERED")
    sheet = sums.office.ok("GET", f"/v4/spreadsheets/{sums.id}")["sheets"][1]["properties"]["sheetId"]
    renamed = {"properties": {"sheetId": sheet, "title": "New"}, "fields": "title"}
    sums.batch({"updateSheetProperties": renamed})
    assert sums.values("A9", valueRenderOption="FORMULA") == [["=New!A1&\"'Other tab'!A1\""]]
    assert sums.values("A9") == [["10'Other tab'!A1"]]


def test_a_formula_shows_in_the_format_of_what_it_reads(book):
    book.put("A1", [["2024-03-01", "$5.00", "2024-03-31"]], "USER_ENTERED")
    formulas = ["=A1+30", "=SUM(B1:B1,1)", "=C1-A1", "=A2+1", "=COUNT(A1:C1)", "=IF(TRUE,B1,0)"]
    book.put("A2", [formulas], "USER_ENTERED")
    assert book.values("A2:F2") == [["2024-03-31", "$6.00", "30", "2024-04-01", "3", "$5.00"]]
    assert book.values("A2", valueRenderOption="UNFORMATTED_VALUE") == [[45382]]
