"""A flag beats the environment, which beats the file, which beats the default."""

from datetime import timedelta

import pytest

from sweeplens.config import Settings, describe_settings, load_settings
from sweeplens.errors import ConfigError


def test_the_order_of_sources(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text('seed = 5\nworkers = 3\nencoder = "fast"\n', encoding="utf-8")
    environ = {"SWEEPLENS_SEED": "6", "SWEEPLENS_REDACT": "no"}
    settings = load_settings({"seed": 7, "encoder": None}, file=file, environ=environ)
    assert (settings.seed, settings.workers, settings.encoder, settings.redact) == (7, 3, "fast", False)
    assert load_settings({}, file=file, environ={}).seed == 5
    assert load_settings(environ=environ).seed == 6


@pytest.mark.parametrize(
    ("text", "says"),
    [("colour = 1", "unknown key 'colour'"), ('seed = "x"', "seed must be of type int"), ("seed = -1", "at least 0"),
     ("redact = 3", "redact must be of type bool"), ("max_rejects = 2.0", "at most 1"), ("=", "cannot be read")],
)  # fmt: skip
def test_bad_settings_are_one_sentence(tmp_path, text, says):
    file = tmp_path / "s.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_settings(file=file, environ={})


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings(file=tmp_path / "none.toml", environ={})


def test_every_setting_is_described():
    rows = describe_settings()
    assert [r[0] for r in rows] == list(Settings.__dataclass_fields__)
    assert all(r[2].endswith(".") for r in rows)


def test_workers_resolve_to_cores():
    assert Settings(workers=3).threads == 3
    assert Settings().threads >= 1


@pytest.mark.parametrize(
    ("text", "span"),
    [("36h", timedelta(hours=36)), ("42d", timedelta(days=42)), ("6w", timedelta(weeks=6)), ("", None)],
)
def test_spans_are_hours_days_or_weeks(text, span):
    assert Settings(window=text).window_span == span
    assert Settings(retention=text).retention_span == span


@pytest.mark.parametrize("text", ["42", "d", "0d", "-1d", "1.5d", "42 d", "6m", "42D", "9999999d", "٣d"])
def test_spans_of_another_form_are_one_sentence(text):
    for name in ("window", "retention"):
        with pytest.raises(ConfigError, match=rf"^{name} must be .* 42d or 6w, but it is ") as refused:
            Settings(**{name: text})
        assert repr(text) in str(refused.value)


def test_what_counts_must_be_kept():
    assert Settings(window="6w", retention="42d").retention_span == Settings(window="6w").window_span
    assert Settings(retention="1d").window_span is None
    with pytest.raises(ConfigError, match=r"^retention must be at least window, 42d, but it is 41d$"):
        Settings(window="42d", retention="41d")


@pytest.mark.parametrize(
    ("text", "size"),
    [("6GiB", 6 << 30), ("4000MB", 4_000_000_000), ("1.5gib", 3 << 29), ("512 MiB", 512 << 20), ("", None)],
)
def test_sizes_are_bytes(text, size):
    assert Settings(memory_limit=text).memory_bytes == size


@pytest.mark.parametrize("text", ["6", "6G", "GiB", "0MB", "-1GB", "6 giga", "1e3MB", "nan GB"])
def test_sizes_of_another_form_are_one_sentence(text):
    with pytest.raises(ConfigError, match="memory_limit must be a size such as 6GiB or 4000MB, but it is "):
        Settings(memory_limit=text)


def test_the_new_settings_come_from_all_sources(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text('window = "42d"\nretention = "90d"\ntext = false\n', encoding="utf-8")
    settings = load_settings({"window": "6w"}, file=file, environ={"SWEEPLENS_MEMORY_LIMIT": "1GB"})
    assert (settings.window, settings.retention, settings.text) == ("6w", "90d", False)
    assert settings.memory_bytes == 10**9
