"""From the file of a ClawMark task to what it declares."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_clawmark.formats.clawmark.checking import CheckRun, checker_function
from pytest_clawmark.formats.clawmark.frozen import FrozenServices
from pytest_clawmark.formats.clawmark.metadata import Metadata, read_metadata
from pytest_clawmark.formats.clawmark.rubric import Entry, read_rubric
from pytest_clawmark.formats.clawmark.shape import Shape
from pytest_clawmark.formats.clawmark.stages import Stage, StageRun
from pytest_clawmark.formats.clawmark.task import ClawMarkTask
from pytest_clawmark.formats.contract import Declared, ReadTask, Source
from pytest_clawmark.formats.loading import load_module
from pytest_clawmark.formats.native.shape import solution_functions
from pytest_clawmark.task import Place, Turn, TurnFunction, reject

SOLUTION_FILE = "solution.py"
_STAGE = re.compile(r"stage(\d+)")


def read_clawmark(source: Source, config: pytest.Config, services: FrozenServices) -> ReadTask:
    """Raises `TaskError` for what is malformed, and passes on what the file itself raises."""
    shape = Shape(source)
    module = load_module(source, config)
    metadata = read_metadata(module, shape)
    prompt = _prompt(module, shape)
    stages = _stages(module, shape)
    entries = read_rubric(module, shape, [f"stage{number}" for number in range(len(stages))])
    task = ClawMarkTask(metadata, prompt, shape.place("METADATA"))
    task.turns.update((turn.name, turn) for turn in _turns(stages, metadata, shape))
    # Hundreds of trees that are kept would make every collection of garbage a long one.
    source.tree.body.clear()
    return ReadTask(
        task=task,
        module=module,
        checkers={entry.checker.name: _declared(entry, metadata, task.folder, services) for entry in entries},
        solution=_solution(task, source.path.parent / SOLUTION_FILE),
        marks=[*_marks(metadata, source.path, config)],
    )


def _declared(entry: Entry, metadata: Metadata, folder: Path, services: FrozenServices) -> Declared:
    run = CheckRun(entry=entry, metadata=metadata, folder=folder, services=services)
    return Declared(checker=entry.checker, function=checker_function(run))


def _prompt(module: ModuleType, shape: Shape) -> str:
    prompt = getattr(module, "PROMPT", None)
    if not isinstance(prompt, str) or not prompt.strip():
        raise reject(
            shape.place("PROMPT"),
            f"PROMPT is {prompt!r}, not a text" if prompt is not None else "the task has no PROMPT",
            'Write PROMPT = "Check your email for ...", which comes before the first stage\'s message.',
        )
    return prompt


def _stages(module: ModuleType, shape: Shape) -> list[Stage]:
    """The stages in order; raises `TaskError` for a gap between them and for one that cannot be awaited."""
    repeated = shape.repeated()
    if repeated is not None:
        raise reject(repeated[1], f"{repeated[0]} is defined twice", "Number the stages one after the other.")
    named = {int(found[1]): name for name in vars(module) if (found := _STAGE.fullmatch(name))}
    if not named:
        raise reject(shape.place("METADATA"), "the task has no stage", "Write async def stage0(ctx): ...")
    for number, name in sorted(named.items()):
        function = getattr(module, name)
        if not inspect.iscoroutinefunction(function):
            raise reject(
                shape.place(name),
                f"{name} is not an asynchronous function",
                f"Write async def {name}(ctx): ...",
            )
        if name != f"stage{number}" or (number and number - 1 not in named):
            raise reject(
                shape.place(name),
                f"there is {name}, and no stage{number - 1}",
                "Number the stages 0, 1, 2 and so on, without a gap.",
            )
        _check_signature(function, name, shape.place(name))
    if 0 not in named:
        first = f"stage{min(named)}"
        raise reject(shape.place(first), f"there is {first}, and no stage0", "Number the stages from 0 on.")
    return [getattr(module, f"stage{number}") for number in range(len(named))]


def _check_signature(function: Stage, name: str, place: Place) -> None:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise reject(
            place, f"{name} cannot be called with ctx alone", f"Write async def {name}(ctx): ..."
        ) from None


def _turns(stages: Sequence[Stage], metadata: Metadata, shape: Shape) -> Iterator[Turn]:
    folder = shape.source.path.parent
    for index, (stage, time) in enumerate(zip(stages, shape.times(len(stages)), strict=True)):
        name = f"stage{index}"
        yield Turn(
            name=name,
            index=index,
            time=time,
            function=_turn_function(StageRun(stage=stage, index=index, metadata=metadata, folder=folder)),
            inject=None,
            tools=None,
            place=shape.place(name),
            minutes=metadata.minutes,
        )


def _turn_function(run: StageRun) -> TurnFunction:
    def turn(world: Any) -> str:
        return run(world)

    turn.__name__, turn.__doc__ = f"stage{run.index}", run.stage.__doc__
    return turn


def _solution(task: ClawMarkTask, path: Path) -> Path | None:
    """A solution of the user's own beside the task: a function per stage."""
    if not path.is_file():
        return None
    missing = [name for name in task.turns if name not in solution_functions(path)]
    if missing:
        raise reject(
            Place(file=str(path), line=1),
            f"the solution has no function for {missing[0]}",
            f"It needs one per stage, such as def {missing[0]}(agent): ...",
        )
    return path


def _marks(metadata: Metadata, path: Path, config: pytest.Config) -> Iterator[pytest.MarkDecorator]:
    """The domain, difficulty and level as marks, by which `-m` and `-k` select."""
    family = path.parent.parent.name
    for name in dict.fromkeys((family, metadata.category, metadata.difficulty, metadata.mm_level)):
        if name.isidentifier() and name not in _TAKEN:
            config.addinivalue_line("markers", f"{name}: tasks of a corpus that say so of themselves")
            yield getattr(pytest.mark, name)


_TAKEN = frozenset(
    ("parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast")
) | {"turn", "weight", "red_line", "category"}
