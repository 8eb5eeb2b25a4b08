"""What a chat agent keeps in mind is frozen between turns, and goes on as if it had never been away."""

from __future__ import annotations

import json

from pytest_clawmark.agents.chat.conversation import Conversation, Picture


def talk(conversation: Conversation) -> None:
    conversation.tell("You have mail.")
    conversation.result("call-1", "")
    conversation.show([Picture(caption="a scan", data=b"\x89PNG", media_type="image/png")])


def test_a_restored_conversation_goes_on_as_the_frozen_one_would() -> None:
    one, two = Conversation("You are an assistant."), Conversation("You are an assistant.")
    talk(one)
    two.restore(json.loads(json.dumps(one.freeze())))
    assert two.messages == one.messages
    assert (two.tokens, two.begun) == (one.tokens, one.begun)
    for conversation in (one, two):
        conversation.tell("And again.")
        assert conversation.withdraw_new_images()
    assert two.messages == one.messages
    assert two.tokens == one.tokens


def test_the_system_prompt_is_that_of_the_new_world() -> None:
    one, two = Conversation("Your files are in /old."), Conversation("Your files are in /somewhere/new.")
    talk(one)
    two.restore(one.freeze())
    assert two.messages[0]["content"] == "Your files are in /somewhere/new."
    assert two.messages[1:] == one.messages[1:]


def test_what_was_frozen_is_not_changed_by_going_on() -> None:
    one = Conversation("You are an assistant.")
    talk(one)
    frozen = one.freeze()
    before = json.dumps(frozen)
    one.tell("More.")
    one.withdraw_new_images()
    assert json.dumps(frozen) == before
