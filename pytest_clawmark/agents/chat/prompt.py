"""What a chat model is told before its first day."""

from __future__ import annotations

import hashlib
import re

from pytest_clawmark.agents.contract import Office

_ROLE = "You work in an office. Your role: {role}."
_NO_ROLE = "You work in an office."
_PLACE = """
You work on a computer of your own, through the tools you are given; nothing you only write here reaches \
anybody. Each message from the user begins a new working day and tells you what woke you. Nobody answers \
questions during the day: decide for yourself, and tell people what they need to know through the office's \
own services.

Your working folder is {workspace}; your home folder is {home}. Files in both last from day to day. \
When a day's work is finished, answer without calling a tool, in a sentence or two: that ends the day.
"""
_SKILLS = """
These services are at hand. Read a service's guide before you first use it:
{guides}
Their addresses are also in environment variables named CLAWMARK_<SERVICE>_URL.
"""


def system_prompt(office: Office, template: str | None = None) -> str:
    """The system message of an episode.

    In a `template` of a user's own, `{role}`, `{workspace}`, `{home}` and `{skills}` are filled in; other
    braces stay.
    """
    paths = office.sandbox.paths
    guides = "\n".join(f"- {name}: {paths['home']}/skills/{name}/SKILL.md" for name in office.skills)
    if template is not None:
        known = {
            "role": office.role,
            "workspace": paths["workspace"],
            "home": paths["home"],
            "skills": guides,
        }
        return re.sub(r"\{(role|workspace|home|skills)\}", lambda found: known[found[1]], template)
    role = _ROLE.format(role=office.role.rstrip(".")) if office.role.strip() else _NO_ROLE
    text = role + "\n" + _PLACE.format(workspace=paths["workspace"], home=paths["home"])
    if office.skills:
        text += _SKILLS.format(guides=guides)
    return text


def digest(template: str | None = None) -> str:
    """Changes with the prompt's wording, and with nothing else."""
    words = (_ROLE, _NO_ROLE, _PLACE, _SKILLS) if template is None else (template,)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
