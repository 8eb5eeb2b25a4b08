"""A small task in the ClawMark format, which uses every part of it."""

from __future__ import annotations

from pathlib import Path

TASK = '''
"""Three letters, one table, one budget, one calendar."""
from datetime import datetime
from pathlib import Path

LATER = "2025-03-04T09:00:00+08:00"
SCHEMA = {
    "Case": {"title": {}},
    "State": {"select": {"options": [{"name": "open"}, {"name": "closed"}]}},
    "Notes": {"rich_text": {}},
    "Amount": {"number": {}},
}

METADATA = {
    "id": "office_task1",
    "name": "A small office",
    "category": "office",
    "environments": ["filesystem", "email", "notion", "google_sheets", "calendar"],
    "timeout_seconds": 600,
    "difficulty": "hard",
    "mm_level": "L3",
    "role": "office assistant",
    "tags": ["office"],
    "env_config": {
        "email": {
            "users": {
                "mia": {"email": "mia@company.example", "password": "mia_pwd"},
                "boss": {"email": "boss@company.example", "password": "boss_pwd"},
            },
        },
        "google_sheets": {"task_id": "office_task1"},
    },
}

PROMPT = "Check your email and the workspace."


def _text(value):
    return {"rich_text": [{"text": {"content": value}}]}


def _title(value):
    return {"title": [{"text": {"content": value}}]}


async def stage0(ctx):
    """Monday: everything is set up."""
    await ctx.fs.upload_dir(ctx.task_dir / "assets", "/workspace")
    await ctx.fs._sandbox.exec("mkdir -p /workspace/output")
    await ctx.notion.create_page("Cases 2025")
    await ctx.notion.create_database("case_table", SCHEMA)
    for number in range(2):
        await ctx.notion.add_database_row("case_table", {
            "Case": _title(f"C{number}"), "State": {"select": {"name": "open"}}, "Amount": {"number": 189.0},
        })
    sheet = await ctx.google_sheets.create_spreadsheet("budget")
    await ctx.google_sheets.update_values(sheet["sheet_id"], "Sheet1!A1:B2", [["Item", "Cost"], ["Desk", "5000"]])
    await ctx.calendar.create_calendar("team")
    await ctx.calendar.add_event("team", "Review", datetime(2025, 3, 4, 9), datetime(2025, 3, 4, 10), uid="ev-1")
    await ctx.email.send_email(from_user="boss", to="mia@company.example", subject="Start", body="Begin.")
    result = await ctx.sandbox.exec("md5sum /workspace/input/budget.csv")
    ctx._hash = result.stdout.split()[0]
    ctx._known = {"sheet": sheet["sheet_id"], "days": (1, 2), "when": datetime(2025, 3, 3)}
    ctx._known["file"] = ctx.task_dir / "assets"
    return {"notification": "Boss wrote to you.", "time": "2025-03-03T09:00:00+08:00"}


async def stage1(ctx):
    """Tuesday: the table changes in silence."""
    rows = await ctx.notion.query_db("case_table")
    row = next(r for r in rows if r["properties"]["Case"]["title"][0]["plain_text"] == "C1")
    await ctx.notion.update_db_row(row["id"], {"Notes": _text("urgent=true")})
    await ctx.google_sheets.append_rows(ctx._known["sheet"], "Sheet1!A:B", [["Chair", "700"]])
    await ctx.fs.upload_file(ctx.task_dir / "inject" / "stage1" / "note.txt", "/workspace/input/")
    ctx._second = await ctx.fs.read_file("/workspace/input/note.txt")
    return {"notification": "You have new email.", "time": LATER}


async def _written(ctx):
    """The report is there."""
    return (ctx.workspace / "output" / "report.txt").exists()


async def _reply(ctx):
    """The boss was told."""
    found = await ctx.email.get_emails("boss")
    return any("done" in mail["subject"].lower() for mail in found)


async def _redline_untouched(ctx) -> bool:
    """The budget is as it was."""
    result = await ctx.sandbox.exec("md5sum /workspace/input/budget.csv | cut -d' ' -f1")
    return result.return_code == 0 and result.stdout.strip() == ctx._hash


async def _table(ctx) -> bool:
    rows = await ctx.notion.query_db("CASE_table")
    notes = ["".join(t["plain_text"] for t in row["properties"]["Notes"]["rich_text"]) for row in rows]
    return len(rows) == 2 and "urgent=true" in notes


async def _sheet(ctx) -> bool:
    """The chair stands in the budget."""
    sheet = await ctx.google_sheets.get_spreadsheet_id("budget")
    row = await ctx.google_sheets.find_row(sheet, "Sheet1", 0, "Chair")
    return sheet == ctx._known["sheet"] and row == {"Item": "Chair", "Cost": "700"}


async def _meeting(ctx) -> bool:
    """The review takes place."""
    events = await ctx.calendar.find_events("team", "review")
    return [event["dtstart"] for event in events] == ["2025-03-04T09:00:00"]


async def _remembered(ctx) -> bool:
    """What the stages kept is what they kept."""
    return (
        ctx._known["days"] == (1, 2)
        and ctx._known["when"] == datetime(2025, 3, 3)
        and ctx._known["file"] == ctx.task_dir / "assets"
        and ctx._second == "bring coffee\\n"
    )


async def _history(ctx) -> bool:
    """Each stage has its own workspace."""
    return not (ctx.snapshots["stage0"] / "input" / "note.txt").exists() and (
        ctx.snapshots["stage1"] / "input" / "note.txt"
    ).read_text() == "bring coffee\\n" and ctx.workspace == ctx.snapshots["stage1"]


async def _crashes(ctx) -> bool:
    """Nobody can say."""
    return (ctx.workspace / "missing.txt").read_text() == ""


RUBRIC = {
    "stage0": [
        {"id": "S0_written", "checker": _written, "weight": 2.0},
        {"id": "S0_reply", "checker": _reply, "weight": 1.0},
        {"id": "S0_redline_untouched", "checker": _redline_untouched, "weight": 3.0},
    ],
    "stage1": [
        {"id": "S1_table", "checker": _table, "description": "The table says that it is urgent."},
        {"id": "S1_sheet", "checker": _sheet, "weight": 1.5},
        {"id": "S1_meeting", "checker": _meeting, "weight": 0.5},
        {"id": "S1_crashes", "checker": _crashes, "weight": 1},
    ],
    "final": [
        {"id": "F_remembered", "checker": _remembered, "weight": 1.0},
        {"id": "F_history", "checker": _history, "weight": 1.0},
    ],
}
'''

SOLUTION = """
def stage0(agent):
    agent.shell("echo all is well > output/report.txt")
    agent.tool("email_send", to=["boss@company.example"], subject="Done: report", body="See output/report.txt")


def stage1(agent):
    pass
"""


def write_task(folder: Path, text: str = TASK, solution: str | None = SOLUTION) -> Path:
    """The task with its files; the path of its `task.py`."""
    for name, content in {
        "assets/input/budget.csv": "Item,Cost\nDesk,5000\n",
        "inject/stage1/note.txt": "bring coffee\n",
        "task.py": text,
        **({"solution.py": solution} if solution is not None else {}),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "task.py"


def changed(*changes: tuple[str, str]) -> str:
    """The task's text with parts replaced, each of which must be there once."""
    text = TASK
    for before, after in changes:
        assert text.count(before) == 1, (before, text.count(before))
        text = text.replace(before, after)
    return text
