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
        ("=1e308*10-1e308*10", "#NUM!"),
        ("=ROUND(123456789.5, 25)", "123456789.5"),
        ("=" + "+".join(["A1"] * 3000), "3000"),
        ("=" + "-" * 500 + "1", "#ERROR!"),
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


@pytest.fixture
def staff(book):
    book.put(
        "A1",
        [
            ["Ann", "sales", 10, "2024-01-31"],
            ["Bob", "sales", 30, "2024-03-15"],
            ["Cy", "it", 20, "2024-03-16"],
            ["Di", "it", "", ""],
        ],
        "USER_ENTERED",
    )
    return book


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ('=COUNTIFS(B1:B4,"sales",C1:C4,">10")', "1"),
        ('=SUMIFS(C1:C4,B1:B4,"sales")', "40"),
        ('=AVERAGEIFS(C:C,B:B,"it")', "20"),
        ('=AVERAGEIFS(C:C,B:B,"none")', "#DIV/0!"),
        ('=MAXIFS(C1:C4,B1:B4,"sales")&MINIFS(C1:C4,B1:B4,"sales")', "3010"),
        ('=SUMIFS(C1:C3,B1:B4,"sales")', "#VALUE!"),
        ('=VLOOKUP("bob",A1:C4,3,FALSE)', "30"),
        ('=VLOOKUP("Zed",A1:C4,3,FALSE)', "#N/A"),
        ('=VLOOKUP("Ann",A1:C4,9,FALSE)', "#REF!"),
        ("=VLOOKUP(25,{1},1)", "1"),
        ('=IFNA(VLOOKUP("Zed",A1:C4,3,FALSE),"none")', "none"),
        ('=XLOOKUP("Cy",A1:A4,C1:C4)', "20"),
        ('=XLOOKUP("Zed",A1:A4,C1:C4,"none")', "none"),
        ('=INDEX(C1:C4,MATCH("Cy",A1:A4,0))', "20"),
        ("=MATCH(25,C1:C1)&MATCH(10,C1:C3,0)", "11"),
        ("=INDEX(A1:C4,5,1)", "#REF!"),
        ("=LARGE(C1:C4,1)&SMALL(C1:C4,1)&RANK(20,C1:C4)", "30102"),
        ("=MEDIAN(C1:C4)", "20"),
        ("=SUMPRODUCT(C1:C2,C1:C2)", "1000"),
        ('=TEXTJOIN(", ",TRUE,A1:A3,"")', "Ann, Bob, Cy"),
        ('=SUBSTITUTE("a-b-c","-","+")&SUBSTITUTE("a-b-c","-","+",2)', "a+b+ca-b+c"),
        ('=FIND("b","abc")&SEARCH("B","abc")', "22"),
        ('=FIND("z","abc")', "#VALUE!"),
        ('=TEXT(1234.5,"#,##0.00")', "1,234.50"),
        ('=TEXT(D1,"d mmm yyyy")', "31 Jan 2024"),
        ("=DATE(2024,2,29)", "2/29/2024"),
        ("=DATE(2023,14,0)", "1/31/2024"),
        ("=EDATE(D1,1)", "2/29/2024"),
        ("=EOMONTH(D1,1)", "2/29/2024"),
        ("=YEAR(D2)&MONTH(D2)&DAY(D2)", "2024315"),
        ("=DAYS(D2,D1)", "44"),
        ("=WEEKDAY(D2)&WEEKDAY(D2,2)", "65"),
        ("=NETWORKDAYS(D2,D2+7)", "6"),
        ("=DATE(99999,1,1)", "#NUM!"),
        ('=DATEVALUE("soon")', "#VALUE!"),
    ],
)
def test_lookups_texts_and_dates_come_to(staff, formula, shown):
    assert staff.shown(formula) == shown


def test_a_format_is_handed_down_a_long_column(book):
    rows = [["2024-03-01"]] + [[f"=A{row}+1"] for row in range(1, 500)]
    book.put("A1", rows, "USER_ENTERED")
    book.put("B3", [["=B1+B2"]] + [[f"=B{row}+B{row - 1}"] for row in range(3, 60)], "USER_ENTERED")
    assert book.values("A500") == [["2025-07-13"]]
    assert book.values("B60") == [["0"]]


def test_whole_columns_of_a_large_sheet_are_read_as_far_as_it_is_filled(book):
    book.batch({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 50_000}})
    book.put("A1", [["x", 1], ["y", 2], ["x"]])
    assert book.shown('=COUNTIFS(A:A,"x",B:B,1)&SUMIF(A:A,"y",B:B)&COUNTA(A1:B51000)') == "125"


def test_today_and_now_are_the_worlds_where_the_spreadsheet_is(book):
    book.put("A1", [["=TODAY()", "=NOW()", "=TODAY()+7"]], "USER_ENTERED")
    # 2024-03-19 09:00 in Shanghai is 01:00 in the spreadsheet's GMT.
    shown = book.values("A1:C1")[0]
    assert (shown[0], shown[2]) == ("3/19/2024", "3/26/2024")
    assert shown[1].startswith("3/19/2024 1:00:0")
    honolulu = {"properties": {"timeZone": "Pacific/Honolulu"}, "fields": "timeZone"}
    book.batch({"updateSpreadsheetProperties": honolulu})
    assert book.values("A1") == [["3/18/2024"]]
    before = book.office.service.freeze()
    book.values("A1:C1")
    assert book.office.service.freeze() == before
    assert book.office.view.spreadsheet("Budget").tab("Sheet1").cell("C1") == "3/25/2024"


def test_the_time_is_frozen_only_where_a_formula_asks_for_it(book):
    book.put("A1", [["=1+1"]], "USER_ENTERED")
    assert "now" not in book.office.service.freeze()["drive"]["files"][0]["spreadsheet"]


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        *(("=FLOOR(7,2)", "6"), ("=CEILING(7,2)", "8"), ("=MROUND(7,5)", "5"), ("=FLOOR(5,-2)", "#NUM!")),
        *(("=TRUNC(-1.78,1)", "-1.7"), ("=SIGN(-4)", "-1"), ("=LN(0)", "#NUM!"), ("=LOG(8,2)", "3")),
        *(
            ("=QUOTIENT(-7,2)", "-3"),
            ("=QUOTIENT(1,0)", "#DIV/0!"),
            ("=ISODD(3)", "TRUE"),
            ("=XOR(TRUE,TRUE)", "FALSE"),
        ),
        *(('=SWITCH(2,1,1/0,2,"b")', "b"), ("=SWITCH(9,1,2)", "#N/A"), ("=SWITCH(9,1,2,3)", "3")),
        *(
            ('=IFS(FALSE,1/0,TRUE,"x")', "x"),
            ("=IFS(FALSE,1)", "#N/A"),
            ("=ISNA(NA())", "TRUE"),
            ("=ISNA(1/0)", "FALSE"),
        ),
        *(("=VAR(1,2,3)", "1"), ("=STDEVP(1,3)", "1"), ("=MODE(1,2,2)", "2"), ("=MODE(1,2)", "#N/A")),
        *(("=PERCENTILE(A1:A4,0.5)", "#NUM!"), ('=REPLACE("abcdef",2,2,"X")', "aXdef"), ("=CHAR(65)", "A")),
        *(('=CODE("")', "#VALUE!"), ('=JOIN("-",1,"b")', "1-b"), ('=HYPERLINK("http://x","l")', "l")),
        *(
            ('=DATEDIF("2024-01-31","2024-03-01","M")', "1"),
            ('=DATEDIF("2024-01-01","2024-03-01","D")', "60"),
        ),
        *(('=WEEKNUM("2024-03-19")', "12"), ('=ISOWEEKNUM("2024-03-19")', "12"), ("=TIME(6,0,0)", "0.25")),
        *(('=WORKDAY("2024-03-15",1)-"2024-03-18"', "0"), ("=ROUND(PMT(0.05,10,1000),2)", "-129.5")),
        *(("=PMT(0,10,1000)", "-100"), ('=T(5)&T("a")', "a"), ('=N("x")+N(5)', "5")),
    ],
)
def test_a_rarer_function_comes_to(book, formula, shown):
    assert book.shown(formula) == shown


def test_lookup_and_quartiles_read_ranges(book):
    book.put("A1", [[1, "a"], [2, "b"], [3, "c"], [4, "d"], [5, "e"]])
    book.put(
        "D1", [["=LOOKUP(3.5,A1:A5,B1:B5)", "=QUARTILE(A1:A5,1)", "=CORREL(A1:A5,A1:A5)"]], "USER_ENTERED"
    )
    assert book.values("D1:F1") == [["c", "2", "1"]]
