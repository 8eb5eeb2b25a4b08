"""What grows with the square of a sheet's length would stop a world; counted in work, not in seconds."""

import math

import pytest

from clawmark_services.sheets import calculation
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
