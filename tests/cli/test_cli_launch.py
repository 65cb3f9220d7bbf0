"""What `sweeplens app` refuses before it starts, and what it hands over."""

from pathlib import Path

import pytest

from sweeplens.cli import launch
from sweeplens.config import Settings, load_settings

SECRETS = '[auth]\nredirect_uri = "http://h/oauth2callback"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_address_that_others_reach_needs_a_login(home: Path) -> None:
    with pytest.raises(launch.LaunchError, match=r"open to everybody who reaches 0\.0\.0\.0"):
        launch._check_address("0.0.0.0")
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text('[other]\nkey = "1"\n')
    with pytest.raises(launch.LaunchError, match="set up a login"):
        launch._check_address("192.168.1.7")
    (home / ".streamlit" / "secrets.toml").write_text(SECRETS)
    launch._check_address("192.168.1.7")


def test_secrets_that_cannot_be_read_are_said_without_what_they_hold(home: Path) -> None:
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text("[auth]\ncookie_secret = hush")
    with pytest.raises(launch.LaunchError, match=r"secrets\.toml cannot be read") as raised:
        launch._check_address("::")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_none(address: str) -> None:
    launch._check_address(address)
    assert not Path(".streamlit").exists()


def test_a_name_is_no_address() -> None:
    with pytest.raises(launch.LaunchError, match="--address must be an IP address or localhost"):
        launch._check_address("example.org")


def test_the_environment_says_the_same_settings(home: Path) -> None:
    settings = Settings(store=home / "s", hide_prompts=True, export=False, analysts="ann@example.org", audit=0.1)
    environment = launch.environment_of(settings)
    assert load_settings(environ=environment) == settings
