"""What the pages show of stored runs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

EPISODE = "/runs/first/episodes/hr/interns/eve/1"
STEPS = "/runs/first/steps/hr/interns/eve/1"


def panel(name: str, day: str = "tuesday", **more: str) -> str:
    rest = "".join(f"&{key}={value}" for key, value in more.items())
    return f"/runs/first/panel/hr/interns/eve/1?day={day}&panel={name}{rest}"


@contextmanager
def played(path: Path) -> Iterator[None]:
    """As a session holds the run that it plays."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield
    finally:
        os.close(descriptor)


def test_the_first_page_lists_runs_with_scores_and_each_agents_trend(
    browser: Any, another: Callable[..., Any]
) -> None:
    another("second", made="2026-02-01T08:00:00+00:00")
    page = browser.text("/")
    assert page.index("second") < page.index('href="/runs/first"')
    assert "legal" not in page
    assert len(re.findall('class="spark"', page)) == 2
    assert len(re.findall('<circle cx="[0-9.]+" cy="[0-9.]+" r="3" class="last">', page)) == 2


def test_scores_on_the_first_page_are_those_of_the_results(browser: Any, stored: Any) -> None:
    label = json.loads((stored.path / "results.json").read_bytes())["summary"]["labels"][1]
    page = browser.text("/")
    row = page[page.index("<td>eve</td>") :]
    assert f"<b>{label['score']:.2f}</b>" in row[: row.index("</tr>")]


def test_the_first_page_reads_only_the_end_of_the_results(browser: Any, stored: Any) -> None:
    path = stored.path / "results.json"
    content = path.read_bytes()
    start, end = content.index(b'\n  "tasks": '), content.index(b'\n  "summary": ')
    path.write_bytes(content[:start] + b"\0" * 300_000 + content[end:])
    page = browser.text("/")
    assert "<td>eve</td>" in page
    assert "damaged" not in page


def test_results_that_another_program_wrote_on_one_line_are_read_whole(browser: Any, stored: Any) -> None:
    path = stored.path / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert "<td>eve</td>" in browser.text("/")


def test_a_folder_without_runs_says_how_to_get_one(browser: Any, stored: Any) -> None:
    shutil.rmtree(stored.path)
    assert "No runs here yet" in browser.text("/")


def test_a_run_shows_agents_figures_tasks_and_what_spoils_a_number(browser: Any) -> None:
    page = browser.text("/runs/first")
    assert "Mean score by family and agent" in page
    assert "Mean score turn by turn" in page
    assert "Red lines crossed" in page
    assert page.count("data-row") == 4
    assert 'data-family="legal" data-label="eve" data-outcome="failed" data-crossed="0"' in page


def test_a_run_that_is_played_is_told_from_one_that_was_interrupted(browser: Any, stored: Any) -> None:
    stored.unfinish()
    assert "interrupted" in browser.text("/runs/first")
    with played(stored.path):
        page = browser.text("/runs/first")
        assert 'data-poll="/runs/first/progress.json"' in page
        told = json.loads(browser.text("/runs/first/progress.json"))
    assert (told["state"], told["total"], told["running"], told["waiting"]) == ("running", 4, 1, 3)


def test_what_is_being_done_is_told_as_visible_text(browser: Any, stored: Any, described: Any) -> None:
    stored.unfinish()
    record = json.loads((stored.episode / "episode.json").read_text())
    (stored.episode / "episode.json").write_text(json.dumps({**record, "turns": record["turns"][:1]}))
    lines = (stored.episode / "wednesday" / "trajectory.jsonl").read_text().splitlines(keepends=True)
    (stored.episode / "wednesday" / "trajectory.jsonl").write_text("".join(lines[:3]))
    with played(stored.path):
        (doing,) = json.loads(browser.text("/runs/first/progress.json"))["doing"]
    assert doing["turn"] == "wednesday"
    assert "\\x1b[31m" in browser.text("/runs/first") or doing["doing"].startswith("shell: <script>")
    assert "\x1b" not in doing["doing"]


def test_an_unfinished_run_counts_the_episodes_that_have_ended(browser: Any, stored: Any) -> None:
    stored.unfinish(state="ended")
    page = browser.text("/runs/first")
    assert "1 of 4" in page.replace(
        '<b data-live="ended">1</b> of <span data-live="total">4</span>', "1 of 4"
    )
    assert 'data-outcome="failed"' in page
    assert page.count('data-outcome="not run"') == 3


def test_looking_at_a_run_never_changes_it(browser: Any, stored: Any) -> None:
    stored.unfinish()
    shutil.copy(stored.path / "plan.json", stored.path / "plan.proposed.json")

    def listed() -> dict[str, Any]:
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in sorted(stored.path.rglob("*"))
            if path.is_file()
        }

    before = listed()
    for path in ("/", "/runs/first", "/runs/first/progress.json", EPISODE, panel("changes")):
        browser.text(path)
    assert listed() == before


def test_an_episode_shows_its_days_and_every_step_has_an_address(browser: Any) -> None:
    page = browser.text(f"{EPISODE}?day=wednesday")
    assert re.findall('<span class="day">(\\w+)<', page) == ["tuesday", "wednesday"]
    assert [f'id="wednesday-{number}"' in page for number in range(6)] == [True] * 5 + [False]
    assert 'href="?day=wednesday#wednesday-3"' in page


def test_tool_calls_are_folded_and_told_in_a_few_words(browser: Any) -> None:
    page = browser.text(EPISODE)
    assert '<details><summary><code class="tool">shell</code>' in page
    assert "<details open" not in page


def test_verdicts_come_with_reason_weight_and_category_crossed_red_lines_first(browser: Any) -> None:
    page = browser.text(panel("verdicts"))
    assert page.index("summary") < page.index("ranking")
    assert 'title="weight">\N{MULTIPLICATION SIGN} 2<' in page
    assert "evidence" in page
    assert "red line crossed" in browser.text(panel("verdicts", "wednesday"))


def test_mail_is_shown_as_mail(browser: Any) -> None:
    page = browser.text(panel("email"))
    assert "mia@company.example" in page
    assert "Review" in page
    assert "forms.pdf" in page
    assert "&lt;b&gt;Please&lt;/b&gt;" in page
    sent = browser.text(panel("email", box="mia@company.example", folder="sent by the agent"))
    assert "to hrbp@company.example" in sent
    assert "Please look." not in sent


def test_databases_and_pages_of_notion_are_tables_and_texts(browser: Any) -> None:
    page = browser.text(panel("notion", "tuesday", at="wake"))
    assert "<th>Name</th><th>Score</th>" in page
    assert "Ada" in page
    (notes,) = re.findall('id=([0-9a-f-]+)" data-swap>Notes<', page)
    assert '<div class="said">one\ntwo</div>' in browser.text(panel("notion", id=notes))


def test_spreadsheets_are_grids_with_tabs_values_and_formulas(browser: Any) -> None:
    page = browser.text(panel("sheets", at="wake"))
    assert "<th>A</th><th>B</th>" in page
    assert '<td class="num formula" title="=B2*2">80</td>' in page
    assert '<td class="">x</td>' in browser.text(panel("sheets", id="0/1"))


def test_events_are_grouped_by_day(browser: Any) -> None:
    page = browser.text(panel("calendar", at="wake"))
    assert "Wednesday, 20 March 2024" in page
    assert "Standup" in page
    assert "Team" in page
    assert "09:00 to 10:00" in page


def test_records_of_a_business_api_are_a_table(browser: Any) -> None:
    page = browser.text(panel("desk", at="wake"))
    assert "<th>id</th><th>title</th>" in page
    assert "Laptop" in page


def test_a_state_of_an_unknown_service_is_shown_as_it_is(browser: Any, stored: Any) -> None:
    path = stored.episode / "tuesday" / "snapshot.json"
    manifest = json.loads(path.read_text())
    manifest["services"]["pager"] = stored.folder.blobs.put(b'{"beeps": [1, 2]}')
    path.write_text(json.dumps(manifest))
    assert "&#34;beeps&#34;" in browser.text(panel("pager"))


def test_changes_say_what_became_of_what_and_by_whom(browser: Any) -> None:
    page = browser.text(panel("changes"))
    agent = page[page.index("During the day") :]
    for service in ("email", "notion", "sheets", "calendar", "desk", "files"):
        assert f"<h4>{service}</h4>" in agent, service
    assert ">agent</span>" in agent
    assert '<td class="minus">Standup</td>' in agent


def test_files_are_shown_by_what_they_are_with_what_changed(browser: Any) -> None:
    page = browser.text(panel("files"))
    assert re.search('<img class="picture" loading="lazy" alt="dot.png" src="/runs/first/file/', page)
    assert re.search('<audio controls preload="none" src="/runs/first/file/', page)
    assert '<span class="minus">-two</span>' in page
    assert page.index("report.md") < page.index("call.wav")
    removed = browser.text(panel("files", "wednesday"))
    assert re.search('evil.html</code> <span class="chip bad">removed', removed)


def test_steps_come_in_pages_and_a_line_that_is_being_written_does_not_count(
    browser: Any, stored: Any
) -> None:
    path = stored.episode / "tuesday" / "trajectory.jsonl"
    lines = [json.dumps({"type": "tool", "name": f"t{number}", "output": ""}) for number in range(450)]
    path.write_text("\n".join(lines) + '\n{"type": "to')
    first = browser.text(EPISODE)
    assert 'data-total="450"' in first
    assert 'id="tuesday-199"' in first
    assert 'id="tuesday-200"' not in first
    assert "250 more steps" in first
    later = browser.text(f"{STEPS}?day=tuesday&from=400")
    assert re.findall('id="tuesday-(\\d+)"', later) == [str(number) for number in range(400, 450)]
    assert "steps 200 to 399" in later


def test_a_step_that_is_too_large_and_one_that_is_damaged_say_so(browser: Any, stored: Any) -> None:
    path = stored.episode / "tuesday" / "trajectory.jsonl"
    path.write_text(
        json.dumps({"type": "tool", "name": "x", "output": "y" * (17 << 20)}) + "\n{broken\n[1]\n"
    )
    page = browser.text(EPISODE)
    assert "a step of 17,825" in page
    assert page.count("a damaged line") == 2


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("results.json", "{", "results.json is damaged"),
        ("results.json", '{"tasks": 1, "run": {}}', "results.json is damaged"),
        ("run.json", "[]", "run.json is damaged"),
    ],
)
def test_a_damaged_run_says_what_is_damaged_and_shows_the_rest(
    browser: Any, stored: Any, name: str, content: str, told: str
) -> None:
    (stored.path / name).write_text(content)
    if name == "run.json":
        (stored.path / "results.json").unlink()
    assert "damaged" in browser.text("/")
    page = browser.text("/runs/first")
    assert told in page
    assert page.count("data-row") == 4
    assert "tuesday-1" in browser.text(EPISODE)


@pytest.mark.parametrize(
    ("spoilt", "name"), [("snapshot.json", "email"), ("snapshot.json", "changes"), ("wake.json", "changes")]
)
def test_a_damaged_day_says_so_in_its_panel(browser: Any, stored: Any, spoilt: str, name: str) -> None:
    (stored.episode / "tuesday" / spoilt).write_text("{")
    assert "Damaged: " in browser.text(panel(name))
    assert browser.get(f"{EPISODE}?panel={name}").status_code == 200


def test_a_state_that_is_not_what_was_recorded_is_not_shown(browser: Any, stored: Any) -> None:
    digest = json.loads((stored.episode / "tuesday" / "snapshot.json").read_text())["services"]["email"]
    stored.folder.blobs.path(digest).write_text("{}")
    assert "is not what was recorded" in browser.text(panel("email"))


def test_a_state_that_its_service_cannot_read_is_shown_as_it_is_stored(browser: Any, stored: Any) -> None:
    path = stored.episode / "tuesday" / "snapshot.json"
    manifest = json.loads(path.read_text())
    manifest["services"]["calendar"] = stored.folder.blobs.put(b'{"collections": {"a": {"props": 1}}}')
    path.write_text(json.dumps(manifest))
    assert "shown as it is stored" in browser.text(panel("calendar"))


def test_a_day_that_is_not_over_shows_its_wake_up(browser: Any, stored: Any) -> None:
    stored.unfinish()
    record = json.loads((stored.episode / "episode.json").read_text())
    (stored.episode / "episode.json").write_text(json.dumps({**record, "turns": record["turns"][:1]}))
    (stored.episode / "wednesday" / "snapshot.json").unlink()
    assert "not over" in browser.text(f"{EPISODE}?day=wednesday")
    assert "Review" in browser.text(panel("email", "wednesday"))


def test_an_episode_that_never_began_says_so(browser: Any, stored: Any) -> None:
    address = "/runs/first/episodes/legal/contract/eve/1"
    assert "does not lie in this run" in browser.text(address)
    stored.unfinish()
    assert "Nothing of this episode was recorded yet" in browser.text(address)


def test_origins_are_told_of_runs_that_were_graded_again_or_merged(browser: Any, stored: Any) -> None:
    path = stored.path / "results.json"
    results = json.loads(path.read_text())
    derived = {"path": "../old", "created": "x", "tasks": {}, "verdicts": None}
    results["run"] |= {"derived_from": derived, "regraded": {"same": 3, "left_out": 0, "differences": [{}]}}
    path.write_text(json.dumps(results, indent=2))
    assert "graded again from ../old; 1 difference" in browser.text("/runs/first")
    del results["run"]["derived_from"]
    results["run"]["merged_from"] = ["one", "two"]
    path.write_text(json.dumps(results, indent=2))
    assert "merged from one, two" in browser.text("/runs/first")


def test_a_run_that_was_graded_again_shows_the_worlds_of_the_one_it_comes_from(
    browser: Any, another: Callable[..., Any]
) -> None:
    again = another("again")
    shutil.rmtree(again.path / "episodes")
    path = again.path / "results.json"
    results = json.loads(path.read_text())
    results["run"]["derived_from"] = {"path": "../first", "created": "x", "tasks": {}, "verdicts": None}
    path.write_text(json.dumps(results, indent=2))
    address = "/runs/again/episodes/hr/interns/eve/1"
    assert "I look around" in browser.text(address)
    results["run"]["derived_from"]["path"] = "../../elsewhere/first"
    path.write_text(json.dumps(results, indent=2))
    page = browser.text(address)
    assert "does not lie in this run" in page
    assert "I look around" not in page


def test_days_taken_over_from_another_run_say_so(browser: Any, stored: Any) -> None:
    path = stored.episode / "episode.json"
    record = json.loads(path.read_text())
    first, second = record["turns"]
    inherited = {"run": "older", "label": "eve", "trial": 1, "turns": [first]}
    path.write_text(json.dumps({**record, "turns": [second], "inherited": inherited}))
    assert "This day was played in the run older" in browser.text(f"{EPISODE}?day=tuesday")
    assert "This day was played" not in browser.text(f"{EPISODE}?day=wednesday")


def test_runs_are_compared_pairwise_and_what_differs_stands_on_the_page(
    browser: Any, another: Callable[..., Any]
) -> None:
    another("second", digest="b" * 64)
    refused = browser.text("/compare?run=first&run=second")
    assert "did not measure the same" in refused
    assert 'name="anyway" value="1"' in refused
    page = browser.text("/compare?run=first")
    assert "Standings" in page
    assert "mean difference over 2 pairs" in page


def test_unlike_runs_that_are_compared_anyway_carry_the_warning(
    browser: Any, another: Callable[..., Any]
) -> None:
    second = another("second")
    path = second.path / "results.json"
    results = json.loads(path.read_text())
    results["run"]["settings"]["seed"] = 9
    path.write_text(json.dumps(results, indent=2))
    page = browser.text("/compare?run=first&run=second&anyway=1")
    assert "Not the same measurement" in page
    assert "seed is 9 in one and 0 in the other" in page


def test_two_runs_of_one_name_are_both_there(
    stored: Any, another: Callable[..., Any], tmp_path: Path
) -> None:
    from pytest_clawmark.viewer.places import Listing

    shutil.copytree(stored.path, tmp_path / "elsewhere" / "first")
    places = Listing.of([tmp_path / "runs", tmp_path / "elsewhere"]).places()
    assert sorted(places) == ["first", "first~2"]
