"""What the format requires and a file lacks is told with its place, the value and the remedy."""

from __future__ import annotations

import pytest
from support.clawmark_task import write_task

from pytest_clawmark.failures import TaskError

USERS = '"mia": {"email": "mia@company.example", "password": "mia_pwd"},'

CASES = {
    "no metadata": ("METADATA = {\n", "METADATA_ = {\n", "the task has no METADATA"),
    "metadata no dict": ("METADATA = {\n", "METADATA = 3; _M = {\n", "METADATA is 3, not a dict"),
    "no id": ('    "id": "office_task1",\n', "", "METADATA has no 'id'"),
    "empty name": ('"name": "A small office"', '"name": " "', "METADATA['name'] is ' '"),
    "misspelt key": ('"difficulty": "hard"', '"dificulty": "hard"', "Did you mean 'difficulty'?"),
    "unknown environment": (
        '"notion", "google_sheets", "calendar"]',
        '"notoin", "google_sheets", "calendar"]',
        "unknown environment 'notoin'\n    Did you mean 'notion'?",
    ),
    "environment twice": (
        '"notion", "google_sheets", "calendar"]',
        '"notion", "notion"]',
        "the environment 'notion' is declared twice",
    ),
    "environments no list": (
        '["filesystem", "email", "notion", "google_sheets", "calendar"]',
        '"email"',
        "METADATA['environments'] is 'email'",
    ),
    "configured environment unknown": (
        '"google_sheets": {"task_id"',
        '"sheets": {"task_id"',
        "unknown environment 'sheets'",
    ),
    "no mail users": ('"users": {', '"people": {', "['users'] is None: mail needs accounts"),
    "user without address": (
        USERS,
        '"mia": {"password": "mia_pwd"},',
        "the mail user 'mia' is {'password': 'mia_pwd'}, which has no mail address",
    ),
    "password no text": (
        USERS,
        '"mia": {"email": "mia@company.example", "password": 7},',
        "the password of 'mia' is 7",
    ),
    "timeout no number": (
        '"timeout_seconds": 600',
        '"timeout_seconds": "600"',
        "METADATA['timeout_seconds'] is '600'",
    ),
    "no prompt": ('PROMPT = "Check your email and the workspace."', "", "the task has no PROMPT"),
    "empty prompt": (
        'PROMPT = "Check your email and the workspace."',
        'PROMPT = " "',
        "PROMPT is ' ', not a text",
    ),
    "no first stage": ("async def stage0(ctx)", "async def first(ctx)", "there is stage1, and no stage0"),
    "a gap": ("async def stage1(ctx)", "async def stage2(ctx)", "there is stage2, and no stage1"),
    "stage not async": (
        "async def stage1(ctx):",
        "def stage1(ctx):\n    return 1\nasync def _x(ctx):",
        "stage1 is not an asynchronous function",
    ),
    "stage twice": ("async def stage1(ctx)", "async def stage0(ctx)", "stage0 is defined twice"),
    "stage with more parameters": (
        "async def stage1(ctx)",
        "async def stage1(ctx, more)",
        "stage1 cannot be called with ctx alone",
    ),
    "no time": ('"time": LATER}', '"when": LATER}', "stage1 returns no time that can be read before it runs"),
    "computed time": ('"time": LATER}', '"time": str(1)}', "stage1 returns no time"),
    "a plain text": (
        '{"notification": "You have new email.", "time": LATER}',
        '"You have new email."',
        "stage1 returns no time",
    ),
    "time without a zone": (
        'LATER = "2025-03-04T09:00:00+08:00"',
        'LATER = "2025-03-04T09:00:00"',
        "it has no time zone",
    ),
    "time unreadable": (
        'LATER = "2025-03-04T09:00:00+08:00"',
        'LATER = "Tuesday"',
        "it is not an ISO 8601 time",
    ),
    "time not later": (
        'LATER = "2025-03-04T09:00:00+08:00"',
        'LATER = "2025-03-03T09:00:00+08:00"',
        "is not later than that of stage0",
    ),
    "no rubric": ("RUBRIC = {\n", "RUBRIC_ = {\n", "the task has no RUBRIC"),
    "rubric empty": ("RUBRIC = {\n", "RUBRIC = {}; _R = {\n", "RUBRIC is {}, not a dict with entries"),
    "no such stage": (
        '    "stage1": [\n',
        '    "stage7": [\n',
        "RUBRIC has 'stage7', which is no stage of the task",
    ),
    "group no list": (
        '    "final": [\n',
        '    "final": {}, "stage1": [\n',
        "RUBRIC['final'] is {}, not a list",
    ),
    "entry no dict": (
        '{"id": "S0_reply", "checker": _reply, "weight": 1.0}',
        "_reply",
        "entry 1 of RUBRIC['stage0'] is <function",
    ),
    "entry without id": (
        '{"id": "S0_reply", "checker"',
        '{"checker"',
        "entry 1 of RUBRIC['stage0'] has no 'id'",
    ),
    "entry without checker": ('"S0_reply", "checker": _reply', '"S0_reply"', "has no 'checker'"),
    "entry with a misspelt key": ('_reply, "weight": 1.0', '_reply, "wieght": 1.0', "Did you mean 'weight'?"),
    "id twice": ('"id": "F_history"', '"id": "S0_reply"', "the id 'S0_reply' is used twice, first at line"),
    "id with a bracket": ('"id": "F_history"', '"id": "F[1]"', "the id 'F[1]' cannot name a checker"),
    "checker not async": (
        "async def _reply(ctx):\n",
        "def _reply(ctx):\n    return 1\nasync def _x(ctx):\n",
        "is the function _reply, not an asynchronous function",
    ),
    "checker no function": (
        '"checker": _reply',
        '"checker": "_reply"',
        "the checker of 'S0_reply' is '_reply'",
    ),
    "checker with more parameters": (
        "async def _reply(ctx)",
        "async def _reply(ctx, more)",
        "cannot be called with ctx alone",
    ),
    "weight zero": ('_written, "weight": 2.0', '_written, "weight": 0', "the weight of 'S0_written' is 0"),
    "weight negative": (
        '_written, "weight": 2.0',
        '_written, "weight": -1.0',
        "the weight of 'S0_written' is -1.0",
    ),
    "weight text": (
        '_written, "weight": 2.0',
        '_written, "weight": "2"',
        "the weight of 'S0_written' is '2'",
    ),
    "description no text": (
        '"description": "The table says that it is urgent."',
        '"description": 3',
        "the description of 'S1_table' is 3",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_with_a_file_is_told_with_its_place(read, tmp_path, case):
    before, after, told = CASES[case]
    with pytest.raises(TaskError) as refused:
        read((before, after))
    text = str(refused.value)
    assert told in text
    assert text.startswith(f"{tmp_path}/tasks/office/task1/task.py:")
    assert text.partition("\n    ")[2].strip(), "the remedy is missing"


def test_the_place_is_the_line_of_what_is_wrong(read):
    with pytest.raises(TaskError) as refused:
        read(('_history, "weight": 1.0', '_history, "weight": 0'))
    file, line, _ = str(refused.value).split(":", 2)
    with open(file, encoding="utf-8") as task:
        assert "F_history" in task.readlines()[int(line) - 1]


def test_a_malformed_task_is_a_collection_error_and_the_others_go_on(corpus):
    write_task(corpus.root / "tasks" / "office" / "task2", "METADATA = {}\nRUBRIC = {}\n")
    result = corpus.run("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*task2/task.py:1: METADATA has no 'id'*", "*It needs 'id', 'name'*"])
    assert "tasks/office/task1/task.py::stage0::S0_reply" in result.outlines
