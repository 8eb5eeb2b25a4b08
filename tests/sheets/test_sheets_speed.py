"""What grows with the square of a sheet's length would stop a world; counted in work, not in seconds."""

import math

import pytest

from clawmark_services.sheets import calculation
from clawmark_services.sheets.cells import Cells
from clawmark_services.sheets.tallies import Tally


@pytest.fixture
def reads(monkeypatch):
    """How many cells formulas have read."""
    counted = []
    plain = calculation.Calculation._read

    def counting(self, sheet, row, column):
        counted.append((row, column))
        return plain(self, sheet, row, column)

    monkeypatch.setattr(calculation.Calculation, "_read", counting)
    return counted


@pytest.mark.parametrize("order", [1, -1])
def test_running_totals_read_each_cell_once(book, reads, order):
    count = 900
    book.put("A1", [[number] for number in range(count)])
    rows = [*range(1, count + 1)][::order]
    for row in rows[:3]:
        book.put(f"B{row}", [[f"=SUM(A$1:A{row})"]], "USER_ENTERED")
    book.put("B1", [[f"=SUM(A$1:A{row})"] for row in range(1, count + 1)], "USER_ENTERED")
    assert book.values(f"B{count}") == [[str(sum(range(count)))]]
    reads.clear()
    found = book.values("B1:B900")
    assert [int(row[0]) for row in found] == [sum(range(row + 1)) for row in range(count)]
    assert len(reads) <= 2 * count


def test_totals_of_totals_read_each_cell_once(book, reads):
    book.put("A1", [[1]] * 500)
    book.put("B1", [[f"=SUM(A$1:A{row})"] for row in range(1, 501)], "USER_ENTERED")
    book.put("C1", [[f"=SUM(B$1:B{row})"] for row in range(1, 501)], "USER_ENTERED")
    assert book.values("C500") == [[str(sum(range(501)))]]
    assert len(reads) <= 4 * 500


def test_a_thousand_lookups_read_their_table_once(book, reads):
    book.put("A1", [[f"k{row}", row] for row in range(300)])
    book.put("C1", [[f'=SUMIF(A$1:A$300,"k{row}",B$1:B$300)'] for row in range(100)], "USER_ENTERED")
    book.put("D1", [[f'=COUNTIFS(A$1:A$300,"k{row}",B$1:B$300,">5")'] for row in range(100)], "USER_ENTERED")
    assert book.values("C1:C100") == [[str(row)] for row in range(100)]
    assert book.values("D1:D100") == [[str(int(row > 5))] for row in range(100)]
    assert len(reads) <= 4 * 300


def test_tallied_functions_answer_as_the_plain_ones(book):
    book.put("A1", [["5", "x", ""], [True, None, 2.5], ["=1/0", 0.1, 0.2]], "USER_ENTERED")
    book.put(
        "E1",
        [["=SUM(A1:C2)", "=COUNT(A1:C2)", "=COUNTA(A1:C2)", "=MIN(A1:C2)", "=MAX(A1:C2)"]],
        "USER_ENTERED",
    )
    assert book.values("E1:I1") == [["7.5", "2", "4", "2.5", "5"]]
    book.put("E2", [["=SUM(A1:C3)", "=COUNT(A1:C3)", "=AVERAGE(B1:B2)", "=MIN(Z1:Z9)"]], "USER_ENTERED")
    assert book.values("E2:H2") == [["#DIV/0!", "4", "#DIV/0!", "0"]]


def test_a_total_on_a_circle_is_an_error_however_it_is_reached(book):
    book.put("A1", [["=SUM(B1:B2)", "=A1"], [1, 2]], "USER_ENTERED")
    assert book.values("A1:B1") == [["#REF!", "#REF!"]]


def test_tallies_are_exact():
    amounts = [1e16, 1.0, -1e16, 0.1, 0.2, 1e-9] * 7
    tally = Tally()
    for amount in amounts:
        tally = tally.with_row([amount])
    assert math.fsum(tally.parts) == math.fsum(amounts)
    assert Tally().with_row([1e300]) is None


def test_a_sheet_knows_its_formulas_whatever_happens_to_its_cells(book):
    """A random walk over what changes cells; the indexes must be those of a sheet read anew."""
    from random import Random

    random = Random(5)
    entered = ["x", 7, "=1+1", "=SEQUENCE(2)", "=A1", ""]
    for _ in range(60):
        row, column = random.randrange(1, 9), "ABCD"[random.randrange(4)]
        action = random.randrange(5)
        if action < 3:
            book.put(f"{column}{row}", [[random.choice(entered)]], "USER_ENTERED")
            continue
        span = {"sheetId": 0, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1}
        area = {
            "sheetId": 0,
            "startRowIndex": 0,
            "endRowIndex": 6,
            "startColumnIndex": 0,
            "endColumnIndex": 2,
        }
        asked = random.choice(
            [
                {"insertDimension": {"range": span}},
                {"deleteDimension": {"range": span}},
                {"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": 0}]}},
                {"deleteRange": {"range": area | {"endRowIndex": 1}, "shiftDimension": "ROWS"}},
                {
                    "copyPaste": {
                        "source": area,
                        "destination": area | {"startColumnIndex": 2, "endColumnIndex": 4},
                    }
                },
            ]
        )
        book.office.ok("POST", f"/v4/spreadsheets/{book.id}:batchUpdate", {"requests": [asked]})
        cells = book.office.service.store.files[book.id].spreadsheet.sheets[0].cells
        assert cells.formulas == Cells(dict(cells)).formulas
        assert cells.spilling == Cells(dict(cells)).spilling


def test_cells_refuse_what_would_pass_their_indexes_by():
    for change in ("update", "clear", "pop", "popitem", "setdefault"):
        with pytest.raises(TypeError, match="one by one"):
            getattr(Cells(), change)()
