"""A flag beats the environment, which beats the file, which beats the default."""

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
