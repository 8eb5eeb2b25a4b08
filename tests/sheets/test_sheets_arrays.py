"""Formulas that come to more than one value, and fill the cells around them."""

import pytest


@pytest.fixture
def sales(book):
    rows = [["who", "what", "sum", "day"]]
    rows += [["ann", "x", 3, "2024-03-01"], ["bob", "y", 1, "2024-01-15"], ["ann", "y", 5, "2024-02-01"]]
    book.put("A1", rows, "USER_ENTERED")
    return book


def spilled(book, formula, cells="F1:J9", **options):
    book.put("F1", [[formula]], "USER_ENTERED")
    return book.values(cells, **options)


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=SORT(A2:C4,3,TRUE)", [["bob", "y", "1"], ["ann", "x", "3"], ["ann", "y", "5"]]),
        ("=SORT(A2:A4,C2:C4,FALSE)", [["ann"], ["ann"], ["bob"]]),
        ("=SORT(A2:C4,1,TRUE,3,FALSE)", [["ann", "y", "5"], ["ann", "x", "3"], ["bob", "y", "1"]]),
        ("=FILTER(B2:C4,C2:C4>2)", [["x", "3"], ["y", "5"]]),
        ('=FILTER(C2:C4,A2:A4="ann",B2:B4="y")', [["5"]]),
        ('=FILTER(A2:A4,A2:A4="eve")', [["#N/A"]]),
        ('=IFERROR(FILTER(A2:A4,A2:A4="eve"),"none")', [["none"]]),
        ('=IFERROR(FILTER(A2:A4,A2:A4="ann"),"none")', [["ann"], ["ann"]]),
        ("=UNIQUE(A2:A4)", [["ann"], ["bob"]]),
        ("=UNIQUE(A2:A4,FALSE,TRUE)", [["bob"]]),
        ("=ARRAYFORMULA(C2:C4*2)", [["6"], ["2"], ["10"]]),
        ("=arrayformula(A2:A4&B2:B4)", [["annx"], ["boby"], ["anny"]]),
        ('=ARRAYFORMULA(IF(C2:C4>2,"big","small"))', [["big"], ["small"], ["big"]]),
        ('=ARRAYFORMULA(IFERROR(1/(C2:C4-1),"?"))', [["0.5"], ["?"], ["0.25"]]),
        ("=ARRAYFORMULA(LEN(A2:A4))", [["3"], ["3"], ["3"]]),
        ("=ARRAYFORMULA(SUMIF(A2:A4,UNIQUE(A2:A4),C2:C4))", [["8"], ["1"]]),
        ('=ARRAYFORMULA(VLOOKUP({"bob";"ann"},A2:C4,3,FALSE))', [["1"], ["3"]]),
        ("=ARRAYFORMULA(C2:C4*TRANSPOSE(C2:C3))", [["9", "3"], ["3", "1"], ["15", "5"]]),
        ('=SUMPRODUCT((A2:A4="ann")*C2:C4)', [["8"]]),
        ('=SUM(FILTER(C2:C4,A2:A4="ann"))', [["8"]]),
        ('=JOIN(",",UNIQUE(A2:A4))', [["ann,bob"]]),
        ("=INDEX(SORT(A2:C4,3,FALSE),1,2)", [["y"]]),
        ("=INDEX(A2:C4,2)", [["bob", "y", "1"]]),
        ("=INDEX(A2:C4,0,3)", [["3"], ["1"], ["5"]]),
        ("=SEQUENCE(2,3,10,-1)", [["10", "9", "8"], ["7", "6", "5"]]),
        ("=TRANSPOSE(A2:B3)", [["ann", "bob"], ["x", "y"]]),
        ('=SPLIT("a, 2,,c",",")', [["a", "2", "c"]]),
        ('=ARRAYFORMULA(SPLIT({"a-b";"c"},"-"))', [["a", "b"], ["c", "#N/A"]]),
        ("={1,2;3,4}", [["1", "2"], ["3", "4"]]),
        ('={A2:A3,C2:C3;"end",0}', [["ann", "3"], ["bob", "1"], ["end", "0"]]),
        ("=FLATTEN({1,2;3,4})", [["1"], ["2"], ["3"], ["4"]]),
        ("=CHOOSECOLS(A2:C3,3,-3)", [["3", "ann"], ["1", "bob"]]),
        ("=VSTACK(A2,B2:C2)", [["ann", "#N/A"], ["x", "3"]]),
        ("=MMULT({1,2},{3;4})", [["11"]]),
        ("=FREQUENCY(C2:C4,{2;4})", [["1"], ["1"], ["1"]]),
        ("=SORT(A2:C4,9,TRUE)", [["#VALUE!"]]),
        ("=SEQUENCE(0)", [["#NUM!"]]),
        ("=SEQUENCE(1000,1000)", [["#NUM!"]]),
        ('=QUERY({1;2},"select Col1",0,1)', [["#N/A"]]),
        ("=QUERY({1;2})", [["#N/A"]]),
        ("=WRAPROWS({1,2,3},2,0)", [["1", "2"], ["3", "0"]]),
        ("=WRAPCOLS({1,2,3},2)", [["1", "3"], ["2", "#N/A"]]),
        ("=WRAPROWS(A2:A4,1000000000)", [["#NUM!"]]),
        ("=MMULT(SEQUENCE(1000),SEQUENCE(1,1000))", [["#VALUE!"]]),
        ("={1,2", [["#ERROR!"]]),
        ("={}", [["#ERROR!"]]),
        ("=A2:A4", [["#VALUE!"]]),
    ],
)
def test_an_array_fills_the_cells_around_its_formula(sales, formula, shown):
    assert spilled(sales, formula) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("select A, sum(C) group by A", [["who", "sum sum"], ["ann", "8"], ["bob", "1"]]),
        ("select A, C where C > 2 order by C desc", [["who", "sum"], ["ann", "5"], ["ann", "3"]]),
        ("select C where A = 'ann' and not B = 'x'", [["sum"], ["5"]]),
        (
            "select count(A), avg(C), max(C) label count(A) 'n', avg(C) '', max(C) 'm'",
            [["n", "", "m"], ["3", "3", "5"]],
        ),
        ("select A where B contains 'y' limit 1", [["who"], ["bob"]]),
        ("select A where A starts with 'b' or C = 5 offset 1", [["who"], ["ann"]]),
        ("select A where A matches 'b.*'", [["who"], ["bob"]]),
        ("select A where A like '%o_'", [["who"], ["bob"]]),
        ("select C*2+1 where (C > 1 and C < 5) label C*2+1 ''", [["7"]]),
        ("select A where D >= date '2024-02-01' order by D", [["who"], ["ann"], ["ann"]]),
        (
            "select month(D), sum(C) group by month(D) label sum(C) 's'",
            [["month(day)", "s"], ["0", "1"], ["1", "5"], ["2", "3"]],
        ),
        ("select B where C is not null and A <> 'ann'", [["what"], ["y"]]),
        ("select A, C", [["who", "sum"], ["ann", "3"], ["bob", "1"], ["ann", "5"]]),
        ("select A, sum(C)", [["#VALUE!"]]),
        ("select Z", [["#VALUE!"]]),
        ("selec A", [["#VALUE!"]]),
        ("select A where", [["#VALUE!"]]),
        ("select A where " + "(" * 500 + "C=1" + ")" * 500, [["#VALUE!"]]),
    ],
)
def test_a_query_finds(sales, text, shown):
    assert spilled(sales, f'=QUERY(A1:D4,"{text}",1)') == shown


def test_a_query_speaks_of_the_sheets_columns_in_ranges_and_counts_them_in_arrays(sales):
    assert spilled(sales, "=QUERY(B2:C4,\"select C where B = 'y'\",0)") == [["1"], ["5"]]
    assert spilled(sales, "=QUERY({B2:C4},\"select Col2 where Col1 = 'y'\",0)") == [["1"], ["5"]]
    assert spilled(sales, '=QUERY(B2:C4,"select A",0)') == [["#VALUE!"]]


def test_an_array_does_not_write_over_cells_nor_leave_the_grid(sales):
    sales.put("F2", [["taken"]])
    assert spilled(sales, "=UNIQUE(A2:A4)") == [["#REF!"], ["taken"]]
    sales.put("F2", [[""]])
    assert sales.values("F1:F3") == [["ann"], ["bob"]]
    assert spilled(sales, "=SEQUENCE(1,30)") == [["#REF!"]]


def test_arrays_read_each_other_and_what_reads_them_knows_their_values(sales):
    sales.put(
        "F1",
        [["=SORT(UNIQUE(A2:A4),1,FALSE)", '=ARRAYFORMULA(F1:F2&"!")', "=COUNTA(G1:G9)&G2"]],
        "USER_ENTERED",
    )
    assert sales.values("F1:H2") == [["bob", "bob!", "2ann!"], ["ann", "ann!"]]


def test_arrays_that_fill_what_they_read_come_to_an_end(sales):
    sales.put(
        "F1", [["=ARRAYFORMULA(F1:F3+1)", "=ARRAYFORMULA(H1:H3)", '=ARRAYFORMULA(G1:G3&"x")']], "USER_ENTERED"
    )
    assert sales.values("F1") == [["#REF!"]]
    assert sales.values("G1:H1")[0][0].startswith("#REF!")


def test_spilled_values_look_like_those_they_come_from_and_are_no_entries(sales):
    assert spilled(sales, "=SORT(C2:D4,1,TRUE)") == [
        ["1", "2024-01-15"],
        ["3", "2024-03-01"],
        ["5", "2024-02-01"],
    ]
    found = spilled(sales, '=QUERY(A1:D4,"select D, A where C = 5",1)')
    assert found == [["day", "who"], ["2024-02-01", "ann"]]
    assert sales.values("F1:G2", valueRenderOption="FORMULA")[1] == [45323, "ann"]
    fields = "sheets.data.rowData.values(userEnteredValue,effectiveValue)"
    data = sales.office.ok("GET", f"/v4/spreadsheets/{sales.id}", ranges="F2", fields=fields)
    (cell,) = data["sheets"][0]["data"][0]["rowData"][0]["values"]
    assert cell == {"effectiveValue": {"numberValue": 45323}}


def test_an_array_grows_and_shrinks_with_what_it_reads(sales):
    assert spilled(sales, "=FILTER(A2:A,C2:C>2)") == [["ann"], ["ann"]]
    sales.put("A5", [["zoe", "x", 9, ""]], "USER_ENTERED")
    assert sales.values("F1:F9") == [["ann"], ["ann"], ["zoe"]]
    sales.put("C2", [[0]])
    assert sales.values("F1:F9") == [["ann"], ["zoe"]]


def test_moved_rows_move_the_references_of_an_array(sales):
    spilled(sales, "={A2:A3;C4}")
    rows = {"sheetId": 0, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}
    sales.batch({"insertDimension": {"range": rows}})
    assert sales.values("F1", valueRenderOption="FORMULA") == [["={A2:A4;C5}"]]


def test_what_an_array_costs_is_limited(sales):
    sales.put("A10", [["x" * 40_000]])
    formula = "=ARRAYFORMULA(A10&SEQUENCE(90000))"
    assert spilled(sales, formula, "F1") == [["#ERROR!"]]


def test_an_array_is_exported_whole(sales):
    spilled(sales, "=SORT(UNIQUE(A2:A4),1,FALSE)")
    path = f"/drive/v3/files/{sales.id}/export"
    text = sales.office.send("GET", path, query_string={"mimeType": "text/csv"}).text
    assert [line.split(",")[-1] for line in text.splitlines()[:2]] == ["bob", "ann"]


def test_a_long_question_to_many_rows_is_given_up(sales):
    condition = " or ".join(["Col1 = 1"] * 4000)
    assert spilled(sales, f'=QUERY(SEQUENCE(9000),"select Col1 where {condition}",0)', "F1") == [["#ERROR!"]]
