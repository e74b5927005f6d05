"""Worker process of spreadsheets: prints the sheets, then the rows of one, as JSON lines.

A program of its own, which imports nothing of the package: a sheet of a few kilobytes can make the
reader ask for all memory there is, and then ends its process.

Arguments: the file, the sheet (empty for the first visible one with rows), and the most bytes of
memory.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys

_CPU_SECONDS = 900
# Whole numbers above this are not exact in a spreadsheet, whose numbers are floats.
_EXACT = 10**15


def _main(path: str, wanted: str, max_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine as calamine

    try:
        with calamine.load_workbook(path) as book:
            shown = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ == calamine.SheetTypeEnum.WorkSheet
                and (sheet.visible == calamine.SheetVisibleEnum.Visible or sheet.name == wanted)
            ]
            _print_sheet(book, shown, wanted)
    except calamine.PasswordError:
        _print({"problem": "password"})
    except (calamine.CalamineError, OSError, ValueError) as error:
        _print({"problem": "damaged", "message": str(error)})


def _print_sheet(book: object, shown: list[str], wanted: str) -> None:
    names = [wanted] if wanted in shown else [] if wanted else shown
    for name in names:
        sheet = book.get_sheet_by_name(name)  # type: ignore[attr-defined]
        if sheet.height > 1 or len(names) == 1:
            _print({"sheets": shown, "sheet": name, "first": (sheet.start or (0, 0))[0] + 1})
            for row in sheet.to_python(skip_empty_area=True):
                _print([_cell(value) for value in row])
            return
    _print({"sheets": shown, "sheet": None})


def _cell(value: object) -> str | dict[str, str] | None:
    """Return a cell as text, None if it is empty, or an object with its problem."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        if abs(value) >= _EXACT:
            return {"problem": f"the number {value:g} has more digits than a spreadsheet keeps; "
                               "format the column as text, and enter it again"}  # fmt: skip
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, dt.datetime):
        at_midnight = value.time() == dt.time()
        return value.date().isoformat() if at_midnight else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value) if value not in (None, "") else None


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
