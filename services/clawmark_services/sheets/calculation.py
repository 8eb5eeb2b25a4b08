"""What cells come to: formulas evaluated over the spreadsheet they stand in."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from functools import lru_cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clawmark_services.sheets.a1 import Area, Box
from clawmark_services.sheets.arrays import below, beside, choose, each
from clawmark_services.sheets.arrays import block as array
from clawmark_services.sheets.cells import Cell
from clawmark_services.sheets.formats import EPOCH, tidy
from clawmark_services.sheets.formula import (
    BINARY,
    Call,
    Failure,
    FormulaSyntaxError,
    Literal,
    Name,
    Node,
    Reference,
    parse,
)
from clawmark_services.sheets.functions import (
    ERROR,
    FUNCTIONS,
    MAX_TEXT,
    NAME,
    NOT_AVAILABLE,
    NUMBER,
    REFERENCE,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Problem,
    Value,
    compare,
    scalar,
    truth,
)
from clawmark_services.sheets.functions_array import ARRAYS
from clawmark_services.sheets.functions_lookup import LOOKUPS
from clawmark_services.sheets.functions_more import MORE
from clawmark_services.sheets.functions_text import TEXTS
from clawmark_services.sheets.functions_wide import WIDE
from clawmark_services.sheets.inheritance import Style, inherited, of_columns
from clawmark_services.sheets.meter import LimitReached, Meter, running
from clawmark_services.sheets.sheet_index import SheetIndex
from clawmark_services.sheets.spills import Address, Spill, filled, spread
from clawmark_services.sheets.spreading import SPREADING
from clawmark_services.sheets.store import Sheet, Spreadsheet
from clawmark_services.sheets.tallies import TALLIED, Tally

_FUNCTIONS: dict[str, Callable[..., Argument]] = {**FUNCTIONS, **LOOKUPS, **TEXTS, **MORE, **WIDE, **ARRAYS}

_LARGE = 20_000
"""Cells of a range beyond which its empty end is not read."""

_KEPT = 100
"""Cells of a range from which on its values are kept for the next formula that reads them."""

_ERRORS_TOO = ("ERROR.TYPE", "TYPE", "ISERR")
"""Functions that look at errors instead of passing them on."""

_LAZY = ("IF", "IFS", "SWITCH", "IFERROR", "ISERROR", "ISNA", "IFNA")

_ROUNDS = 10
"""How often arrays are laid out anew because others, which they read, came to lie elsewhere."""

_SORTING = 30
"""Steps per value of an array that is sorted, filtered or asked; a long question costs more."""


@lru_cache(maxsize=512)
def _arity(function: Callable[..., Argument]) -> tuple[int, float]:
    """How many arguments a function takes, at least and at most."""
    parameters = inspect.signature(function).parameters.values()
    least = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
    endless = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return least, math.inf if endless else len(parameters)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UTC


class Calculation:
    """One reading of a spreadsheet; make a new one after any change.

    Values are remembered, and computed in the order of their dependence rather than by recursion, so that
    a column of running sums may be as long as a sheet. When the `meter` is empty, every further formula
    comes to #ERROR!.
    """

    def __init__(self, spreadsheet: Spreadsheet) -> None:
        self._spreadsheet = spreadsheet
        self._meter = Meter()
        self._in_array = False
        self._here: Address = (0, 0, 0)
        self._begin(spreadsheet.sheets, Spill())
        anchors = [(sheet.id, *key) for sheet in spreadsheet.sheets for key in sheet.cells.spilling]
        if anchors:
            self._lay_out(sorted(anchors))

    def _begin(self, sheets: list[Sheet], spill: Spill) -> None:
        """Know nothing yet but where arrays lie."""
        self._spill = spill
        self._sheets = {sheet.id: sheet for sheet in sheets}
        self._known: dict[Address, Value] = {}
        self._arrays: dict[Address, Block] = {}
        self._styles: dict[Address, Style] = {}
        self._indexes = {sheet.id: SheetIndex(sheet) for sheet in sheets}
        self._tallies: dict[tuple[int, int, int, int], list[Tally]] = {}
        self._blocks: dict[tuple[int, Box], Block] = {}

    def _lay_out(self, anchors: list[Address]) -> None:
        """Compute the formulas that may come to arrays until what they fill changes nothing any more."""
        entered = {sheet.id: sheet for sheet in self._spreadsheet.sheets}
        for _ in range(_ROUNDS):
            for address in anchors:
                if address not in self._known:
                    self._compute(address)
            arrays = {address: (array, self._looks(address)) for address, array in self._arrays.items()}
            spill = spread(entered, arrays)
            if spill == self._spill:
                return
            self._begin(filled(self._spreadsheet.sheets, spill), spill)

    def _looks(self, address: Address) -> list[Style]:
        """The number formats of an array's columns."""
        width = len(self._arrays[address].rows[0])
        return (
            of_columns(
                self._tree(address),
                width,
                partial(self._target, home=address[0]),
                lambda sheet, row, column: self._styled(sheet, row, column).format.get("numberFormat"),
            )
            or [self._styles.get(address)] * width
        )

    def shown(self, sheet: Sheet) -> Sheet:
        """The sheet with what arrays fill in it, for whoever looks for cells that hold something."""
        return self._sheets.get(sheet.id, sheet)

    def value(self, sheet: Sheet, row: int, column: int) -> Value:
        """What the cell comes to; None where it is empty."""
        cell, address = self.shown(sheet).cell(row, column), (sheet.id, row, column)
        if cell.formula is None:
            return self._spill.values.get(address, cell.value)
        if address not in self._known:
            self._compute(address)
        return self._known[address]

    def seen(self, sheet: Sheet, row: int, column: int) -> tuple[Cell, Value]:
        """The cell with the format that it shows in, and what it comes to."""
        cell = self.shown(sheet).cell(row, column)
        if cell.formula is None and not self._spill.values:
            # Nearly every cell that is read: no need to look for more.
            return cell, cell.value
        value = self.value(sheet, row, column)
        return self._styled(self.shown(sheet), row, column), value

    def styled(self, sheet: Sheet, row: int, column: int) -> Cell:
        """The cell with the format that it shows in: a formula without one takes that of what it
        reads."""
        self.value(sheet, row, column)
        return self._styled(self.shown(sheet), row, column)

    def _styled(self, sheet: Sheet, row: int, column: int) -> Cell:
        cell = sheet.cell(row, column)
        if cell.formula is None or "numberFormat" in cell.format:
            return cell
        found = self._styles.get((sheet.id, row, column))
        return replace(cell, format={**cell.format, "numberFormat": found}) if found else cell

    def _style_at(self, node: Node | None, home: int) -> Style:
        """The format of a reference's first cell."""
        target = self._target(node, home)
        if target is None:
            return None
        sheet, box = target
        cell = sheet.cell(box.top, box.left)
        if cell.formula is not None and "numberFormat" not in cell.format:
            return self._styles.get((sheet.id, box.top, box.left))
        style: Style = cell.format.get("numberFormat")
        return style

    def _compute(self, wanted: Address) -> None:
        stack, begun = [wanted], set[Address]()
        while stack:
            address = stack[-1]
            if address in self._known:
                stack.pop()
            elif address not in begun:
                begun.add(address)
                if not self._meter.empty:
                    stack.extend(other for other in self._precedents(address) if other not in begun)
            else:
                # A precedent that is begun but not known is on a circle: reading it gives #REF!.
                self._known[address] = self._evaluate(address)
                if not self._meter.empty:
                    self._styles[address] = inherited(
                        self._tree(address), partial(self._style_at, home=address[0])
                    )
                stack.pop()

    def _tree(self, address: Address) -> Node | None:
        formula = self._sheets[address[0]].cell(address[1], address[2]).formula
        try:
            return parse(formula) if formula else None
        except FormulaSyntaxError:
            return None

    def _length(self, address: Address) -> int:
        return len(self._sheets[address[0]].cell(address[1], address[2]).formula or "")

    def _precedents(self, address: Address) -> list[Address]:
        """The cells with formulas that this one reads, whether or not it will need them."""
        found: list[Address] = []
        nodes: list[Node | None] = [self._tree(address)]
        while nodes:
            node = nodes.pop()
            if isinstance(node, Call):
                nodes.extend(node.arguments)
            target = self._target(node, address[0])
            if target is not None:
                sheet, box = target
                index = self._indexes[sheet.id]
                cells = [(sheet.id, *key) for key in index.formulas(box)]
                self._meter.note(len(cells))
                unknown = [cell for cell in cells if cell not in self._known]
                if not unknown:
                    index.settle(box)
                found += unknown
                if self._meter.empty:
                    break
        # Sorted, so that what a circle comes to does not hang on the order of entry.
        return sorted(set(found))

    def _target(self, node: Node | None, home: int) -> tuple[Sheet, Box] | None:
        if isinstance(node, Name):
            named = self._spreadsheet.named(node.name)
            sheet = self._sheets.get(named.sheet) if named else None
            return (sheet, self._clip(sheet, named.area)) if sheet and named else None
        if isinstance(node, Reference):
            sheet = self._sheets[home] if node.sheet is None else self._spreadsheet.titled(node.sheet)
            return (sheet, self._clip(sheet, node.area)) if sheet else None
        return None

    @staticmethod
    def _clip(sheet: Sheet, area: Area) -> Box:
        return area.within(sheet.rows, sheet.columns)

    def _evaluate(self, address: Address) -> Value:
        try:
            self._here = address
            self._meter.spend(self._length(address))
            tree = self._tree(address)
            if tree is None:
                return Problem(ERROR)
            with running(self._meter):
                result = self._came_to(tree, address)
        except FormulaFailed as failed:
            return failed.problem
        except LimitReached:
            return Problem(ERROR)
        except (ArithmeticError, ValueError):
            # What Python's functions of numbers make of infinity.
            return Problem(NUMBER)
        if isinstance(result, float):
            return tidy(result) if math.isfinite(result) else Problem(NUMBER)
        # A reference to an empty cell comes to 0, as it does in Sheets.
        return 0 if result is None else result

    def _came_to(self, tree: Node, address: Address) -> Value:
        """The value of a formula, which of an array is its first."""
        found = self._argument(tree, address[0])
        if isinstance(found, Block) and isinstance(tree, Call):
            if len(found.rows) * len(found.rows[0]) > 1:
                self._arrays[address] = found
                if address in self._spill.blocked:
                    raise FormulaFailed(REFERENCE)
            found = found.rows[0][0]
        return scalar(found)

    def _argument(self, node: Node | None, home: int) -> Argument:
        if node is None or isinstance(node, Literal):
            return None if node is None else node.value
        if isinstance(node, Failure):
            raise FormulaFailed(node.code)
        if isinstance(node, Call):
            return self._call(node, home)
        target = self._target(node, home)
        if target is None:
            raise FormulaFailed(NAME if isinstance(node, Name) else REFERENCE)
        return self._block(*target)

    def _block(self, sheet: Sheet, box: Box) -> Block:
        if box.bottom == box.top or box.right == box.left:
            raise FormulaFailed(REFERENCE)
        bottom, right = box.bottom, box.right
        size = (bottom - box.top) * (right - box.left)
        if size > _LARGE:
            # Read as far as the sheet is filled, so that ranges of one shape stay of one shape.
            rows, columns = self._indexes[sheet.id].extent
            bottom, right = max(min(bottom, rows), box.top + 1), max(min(right, columns), box.left + 1)
        kept = size > _KEPT and self._settled(sheet, box)
        if kept and (sheet.id, box) in self._blocks:
            return self._blocks[sheet.id, box]
        self._meter.spend((bottom - box.top) * (right - box.left))
        block = Block(
            tuple(
                tuple(self._read(sheet, row, column) for column in range(box.left, right))
                for row in range(box.top, bottom)
            ),
            self._meter,
        )
        if kept:
            self._blocks[sheet.id, box] = block
        return block

    def _settled(self, sheet: Sheet, box: Box) -> bool:
        """Whether every cell of the box is known; on a circle some are not."""
        for key in self._indexes[sheet.id].formulas(box):
            self._meter.spend(1)
            if (sheet.id, *key) not in self._known:
                return False
        return True

    def _tally(self, node: Node | None, home: int) -> Tally | None:
        """The tally of a range; None for anything else, and on a circle."""
        target = self._target(node, home)
        if target is None:
            return None
        sheet, box = target
        if box.bottom == box.top or box.right == box.left or not self._settled(sheet, box):
            return None
        rows, columns = self._indexes[sheet.id].extent
        right = min(box.right, columns)
        tallies = self._tallies.setdefault((sheet.id, box.top, box.left, box.right), [Tally()])
        wanted = max(min(box.bottom, rows) - box.top, 0)
        while len(tallies) <= wanted:
            row = box.top + len(tallies) - 1
            self._meter.spend(right - box.left)
            longer = tallies[-1].with_row(
                [self._read(sheet, row, column) for column in range(box.left, right)]
            )
            if longer is None:
                return None
            tallies.append(longer)
        return tallies[wanted]

    def _read(self, sheet: Sheet, row: int, column: int) -> Value:
        cell = sheet.cell(row, column)
        if cell.formula is None:
            return self._spill.values.get((sheet.id, row, column), cell.value)
        return self._known.get((sheet.id, row, column), Problem(REFERENCE))

    def _call(self, call: Call, home: int) -> Argument:
        if call.function in SPREADING and not self._in_array:
            self._in_array = True
            try:
                return self._call(call, home)
            finally:
                self._in_array = False
        if call.function == "{}":
            return self._written(call, home)
        if call.function == "ARRAYFORMULA" and len(call.arguments) == 1:
            return self._argument(call.arguments[0], home)
        return self._called(call, home)

    def _called(self, call: Call, home: int) -> Argument:
        if call.function in _LAZY:
            return self._lazy(call, home)
        if call.function in ("NOW", "TODAY") and not call.arguments:
            return self._now(whole_days=call.function == "TODAY")
        if call.function in BINARY:
            return self._chain(call, home)
        if call.function in ("ROW", "COLUMN") and len(call.arguments) < 2:
            return self._number(call, home)
        if call.function in TALLIED and len(call.arguments) == 1:
            tally = self._tally(call.arguments[0], home)
            if tally is not None:
                return TALLIED[call.function](tally)
        evaluate = self._guarded if call.function in _ERRORS_TOO else self._argument
        arguments = [evaluate(argument, home) for argument in call.arguments]
        if call.function == "QUERY":
            if not 1 < len(arguments) < 4:
                raise FormulaFailed(NOT_AVAILABLE)
            # It speaks of columns by the letters that they have in their sheet.
            target = self._target(call.arguments[0], home)
            arguments += [*[None] * (3 - len(arguments)), target[1].left if target else None]
        return self._apply(call.function, arguments)

    def _number(self, call: Call, home: int) -> Argument:
        """ROW and COLUMN: of the formula's own cell, or of a range, of which arrays take every one."""
        if not call.arguments:
            return self._here[1 if call.function == "ROW" else 2] + 1
        target = self._target(call.arguments[0], home)
        if target is None:
            raise FormulaFailed(NOT_AVAILABLE)
        box = target[1]
        if not self._in_array:
            return (box.top if call.function == "ROW" else box.left) + 1
        self._meter.spend(box.bottom - box.top + box.right - box.left)
        if call.function == "ROW":
            return array([[row + 1] for row in range(box.top, box.bottom)])
        return array([[column + 1 for column in range(box.left, box.right)]])

    def _written(self, call: Call, home: int) -> Argument:
        """`{1, 2; A1:B2}`: rows of arrays side by side."""
        rows = [row for row in call.arguments if isinstance(row, Call)]
        return below([beside([self._argument(part, home) for part in row.arguments]) for row in rows])

    def _now(self, *, whole_days: bool) -> Value:
        """The world's time where the spreadsheet is, as a serial."""
        now = self._spreadsheet.now
        if now is None:
            raise FormulaFailed(NOT_AVAILABLE)
        local = now.astimezone(_zone(self._spreadsheet.time_zone)).replace(tzinfo=None)
        serial = (local - EPOCH) / timedelta(days=1)
        return math.floor(serial) if whole_days else serial

    def _chain(self, call: Call, home: int) -> Argument:
        """`a+b+c+...` from the left: a chain may be longer than Python nests calls."""
        links: list[Call] = []
        first: Node | None = call
        while isinstance(first, Call) and first.function in BINARY:
            links.append(first)
            first = first.arguments[0]
        value = self._argument(first, home)
        for link in reversed(links):
            value = self._apply(link.function, [value, self._argument(link.arguments[1], home)])
        return value if self._in_array else scalar(value)

    def _apply(self, name: str, arguments: list[Argument]) -> Argument:
        if name in ARRAYS:
            sizes = [len(part.rows) * len(part.rows[0]) for part in arguments if isinstance(part, Block)]
            lengths = [len(part) for part in arguments if isinstance(part, str)]
            self._meter.spend(sum(sizes) * (_SORTING + sum(lengths) // 10))
            found = self._applied(name, arguments)
            return replace(found, meter=self._meter) if isinstance(found, Block) else found
        if not self._in_array:
            return self._applied(name, arguments)
        return each(name, partial(self._paid, partial(self._applied, name)), arguments)

    def _paid(self, apply: Callable[[list[Argument]], Argument], arguments: list[Argument]) -> Argument:
        """One value of an array, which is paid for by its length."""
        self._meter.spend(1)
        found = apply(arguments)
        self._meter.spend(len(found) // 10 if isinstance(found, str) else 0)
        return found

    @staticmethod
    def _applied(name: str, arguments: list[Argument]) -> Argument:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise FormulaFailed(NAME)
        least, most = _arity(function)
        if not least <= len(arguments) <= most:
            raise FormulaFailed(NOT_AVAILABLE)
        result = function(*arguments)
        if isinstance(result, str) and len(result) > MAX_TEXT:
            raise FormulaFailed(VALUE)
        if isinstance(result, float) and not math.isfinite(result):
            raise FormulaFailed(NUMBER)
        return result

    def _lazy(self, call: Call, home: int) -> Argument:
        if call.function in ("IFS", "SWITCH"):
            return self._first_case(call, home)
        if not 1 <= len(call.arguments) <= (3 if call.function == "IF" else 2):
            raise FormulaFailed(NOT_AVAILABLE)
        if self._in_array:
            arguments = [self._guarded(argument, home) for argument in call.arguments]
            if any(isinstance(argument, Block) for argument in arguments):
                return each(call.function, partial(self._paid, partial(choose, call.function)), arguments)
        if call.function == "IF":
            return self._if(call.arguments, home)
        try:
            value = self._one(call.arguments[0], home)
        except FormulaFailed as failed:
            if call.function in ("ISERROR", "ISNA"):
                return call.function == "ISERROR" or failed.problem.code == NOT_AVAILABLE
            if call.function == "IFNA" and failed.problem.code != NOT_AVAILABLE:
                raise
            return self._else(call.arguments, 1, home)
        return False if call.function in ("ISERROR", "ISNA") else value

    def _guarded(self, node: Node | None, home: int) -> Argument:
        """An argument, or the error that it came to."""
        try:
            return self._argument(node, home)
        except FormulaFailed as failed:
            return failed.problem

    def _one(self, node: Node | None, home: int) -> Argument:
        """A single value, but for functions that come to an array."""
        found = self._argument(node, home)
        return found if isinstance(found, Block) and isinstance(node, Call) else scalar(found)

    def _first_case(self, call: Call, home: int) -> Argument:
        """IFS and SWITCH: the value of the first case that holds; the others are not evaluated."""
        arguments = list(call.arguments)
        wanted = self._argument(arguments.pop(0), home) if call.function == "SWITCH" and arguments else None
        while len(arguments) >= 2:
            case, result = arguments.pop(0), arguments.pop(0)
            value = self._argument(case, home)
            if (compare(wanted, value) == 0) if call.function == "SWITCH" else truth(value):
                return self._one(result, home)
        if call.function == "SWITCH" and arguments:
            return self._one(arguments[0], home)
        raise FormulaFailed(NOT_AVAILABLE)

    def _if(self, arguments: tuple[Node | None, ...], home: int) -> Argument:
        if len(arguments) < 2:
            raise FormulaFailed(NOT_AVAILABLE)
        if truth(self._argument(arguments[0], home)):
            return self._one(arguments[1], home)
        return False if len(arguments) == 2 else self._one(arguments[2], home)

    def _else(self, arguments: tuple[Node | None, ...], at: int, home: int) -> Argument:
        return self._one(arguments[at], home) if len(arguments) > at else None
