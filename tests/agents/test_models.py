import re

import pytest

from pytest_clawmark.agents.models import Price, find_model, load_models
from pytest_clawmark.failures import SettingsError


@pytest.fixture
def write(tmp_path):
    """Writes a model's table into clawmark.toml and reads the models back."""

    def load(text, *, file="clawmark.toml"):
        (tmp_path / file).write_text(text)
        return load_models(tmp_path)

    return load


def test_two_examples_are_ready_without_any_file(tmp_path):
    models = load_models(tmp_path)
    assert {name: (model.model, model.base_url) for name, model in models.items()} == {
        "nemotron-49b": ("nvidia/llama-3.3-nemotron-super-49b-v1.5", "http://localhost:8000/v1"),
        "llama-3.1-8b": ("meta/llama-3.1-8b-instruct", "http://localhost:8000/v1"),
    }
    assert not models["nemotron-49b"].api_key_env


def test_a_file_defines_a_model_in_full(write):
    model = write(
        """
        [models."gpt-x.1"]
        base_url = "https://api.example/v1/"
        model = "gpt-x"
        api_key_env = "X_KEY"
        context_window = 200_000
        input = ["image", "text"]
        price = { input = 2, output = 8 }
        parameters = { temperature = 0.5, max_tokens = 100 }
        timeout_seconds = 30
        """
    )["gpt-x.1"]
    assert (model.base_url, model.sees, model.timeout_seconds) == ("https://api.example/v1", True, 30.0)
    assert model.price == Price(input=2.0, cached=2.0, output=8.0)
    assert model.parameters == {"temperature": 0.5, "max_tokens": 100}
    assert "clawmark.toml" in model.source


def test_cached_tokens_are_part_of_the_input_and_have_a_price_of_their_own(write):
    model = write(
        '[models.m]\nbase_url="http://h/v1"\nmodel="m"\nprice={input=1.0, cached=0.1, output=10.0}'
    )["m"]
    assert model.cost(1_000_000, 400_000, 100_000) == pytest.approx(0.6 + 0.04 + 1.0)
    assert load_models()["nemotron-49b"].cost(1, 1, 1) is None


def test_a_file_may_move_an_example_and_leave_the_rest(write):
    model = write('[models.nemotron-49b]\nbase_url = "http://gpu:9000/v1"')["nemotron-49b"]
    assert (model.base_url, model.model) == ("http://gpu:9000/v1", "nvidia/llama-3.3-nemotron-super-49b-v1.5")


def test_pyproject_is_read_and_clawmark_toml_and_nearer_folders_overlay_it(tmp_path):
    near = tmp_path / "near"
    near.mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.clawmark.models.m]\nbase_url="http://far/v1"\nmodel="far"\ncontext_window=1'
    )
    (tmp_path / "clawmark.toml").write_text('[models.m]\nmodel="middle"\ncontext_window=2')
    (near / "pyproject.toml").write_text("[tool.clawmark.models.m]\ncontext_window=3")
    model = load_models(near, tmp_path)["m"]
    assert (model.base_url, model.model, model.context_window) == ("http://far/v1", "middle", 3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "base_ulr = 'http://h'",
            r"unknown key base_ulr = 'http://h'\. Did you mean base_url\? Allowed are base_url,",
        ),
        ("temperature = 1", r"temperature, goes into parameters"),
        ("base_url = 'localhost:8000'", r"base_url = 'localhost:8000' must be an http or https address"),
        ("base_url = 'ftp://h/v1'", r"must be an http or https address"),
        ("base_url = 'http://h:99999/v1'", r"must be an http or https address"),
        ("base_url = 'http://h/v1?x=1'", r"without '\?'"),
        ("base_url = 7", r"base_url = 7 must be a text"),
        ("model = ''", r"model = '' must be a text that is not empty"),
        ("context_window = 0", r"positive whole number of tokens"),
        ("context_window = true", r"positive whole number of tokens"),
        ("context_window = 1.5", r"positive whole number of tokens"),
        ("input = ['image']", r"a list of text, image and audio that contains text"),
        ("input = ['text', 'video']", r"a list of text, image"),
        ("input = 'text'", r"a list of text, image"),
        ("api = 'completions'", r"must be what the endpoint speaks: 'chat', 'responses', 'messages'"),
        ("server_tools = 'web_search'", r"must be a list of kinds of tools"),
        ("price = { input = 1 }", r"US dollars per million tokens"),
        ("price = { input = 1, output = -1 }", r"not negative"),
        ("price = { input = 1, output = nan }", r"not negative"),
        ("price = { input = 1, output = 1, cache = 1 }", r"cached may be left out"),
        ("parameters = { messages = [] }", r"sets messages, which the agent sets itself"),
        ("parameters = { since = 2024-01-01 }", r"holds a date"),
        ("parameters = { top_p = inf }", r"an infinite number"),
        ("parameters = 1", r"must be a table"),
        ("timeout_seconds = 0", r"a positive number of seconds"),
        ("timeout_seconds = '5'", r"a positive number of seconds"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_what_is_allowed(write, tmp_path, line, told):
    with pytest.raises(SettingsError, match=told) as caught:
        write(f"[models.m]\n{line}")
    assert str(caught.value).startswith(f"{tmp_path / 'clawmark.toml'}: [models.m]: ")


@pytest.mark.parametrize(
    "line",
    [
        "api_key_env = 'sk-verysecret'",
        "api_key = 'sk-verysecret'",
        "parameters = { api_key = 'sk-verysecret' }",
        "base_url = 'https://user:sk-verysecret@host/v1'",
    ],
)
def test_a_key_written_into_the_file_is_refused_and_not_repeated(write, line):
    with pytest.raises(SettingsError) as caught:
        write(f"[models.m]\n{line}")
    assert "verysecret" not in str(caught.value)
    assert "api_key_env" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[models.m", r"cannot be read as TOML"),
        ("models = 3", r"models = 3 must be a table"),
        ("[models]\nm = 3", r"\[models.m\] = 3 must be a table"),
        ("[models.m]\nmodel='m'", r"\[models.m\]: base_url missing; add"),
        ("[models.'a[b]']\nmodel='m'", r"the name 'a\[b\]' becomes part of"),
    ],
)
def test_a_malformed_file_is_told(write, text, told):
    with pytest.raises(SettingsError, match=told):
        write(text)


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "clawmark.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read as TOML"):
        load_models(tmp_path)


def test_a_strangers_pyproject_is_left_alone(write):
    assert set(write("[tool.other]\nmodels = 3\n[tool.clawmark]\nx = 1", file="pyproject.toml")) == {
        "nemotron-49b",
        "llama-3.1-8b",
    }


def test_an_unknown_model_is_told_with_those_known_and_a_guess(tmp_path):
    told = (
        r"--model=nemotron49b: no such model\. Did you mean 'nemotron-49b'\? Known are llama-3.1-8b, nemotron"
    )
    with pytest.raises(SettingsError, match=told):
        find_model("nemotron49b", load_models(tmp_path))


def test_an_entry_can_be_written_down_without_its_key_or_place(write, monkeypatch):
    monkeypatch.setenv("X_KEY", "sk-verysecret")
    models = write('[models.m]\nbase_url="http://h/v1"\nmodel="m"\napi_key_env="X_KEY"')
    written = str(models["m"].to_json())
    assert "X_KEY" in written
    assert not re.search("verysecret|toml", written)
