"""Who gets which role, and where the app may be served."""

from pathlib import Path
from typing import Any

import pytest
from ui_app import Open, texts

from sweeplens.config import Settings
from sweeplens.ui.access import is_local, role_of

SETTINGS = Settings(
    role_claim="roles", viewers="@example.org", analysts="Ann@example.com, bob@example.org", admins="root@example.org"
)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "vera@example.org"}, "viewer"),
        ({"email": "bob@EXAMPLE.org"}, "analyst"),
        ({"email": "ann@example.com", "email_verified": True}, "analyst"),
        ({"email": "root@example.org"}, "admin"),
        ({"email": "root@example.org", "email_verified": False}, None),
        ({"email": "x@example.org.evil.test"}, None),
        ({"email": "x@evilexample.org"}, None),
        ({"roles": "analyst"}, "analyst"),
        ({"roles": ["staff", "viewer", "admin"]}, "admin"),
        ({"roles": {"admin": True}}, None),
        ({"roles": ["owner"], "email": "vera@example.org"}, "viewer"),
        ({"sub": "1"}, None),
        ({"email": ""}, None),
    ],
)
def test_the_highest_role_of_claim_and_lists_counts(claims: dict[str, Any], role: str | None) -> None:
    assert role_of(claims, SETTINGS) == role


def test_without_lists_and_claim_nobody_has_a_role() -> None:
    assert role_of({"email": "ann@example.com", "roles": "admin"}, Settings()) is None


@pytest.mark.parametrize(
    ("address", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.3.0.1", True), ("0.0.0.0", False),
     ("192.168.1.7", False), ("::", False), (None, False), ("example.org", False)],
)  # fmt: skip
def test_only_loopback_is_this_machine_alone(address: str | None, local: bool) -> None:
    assert is_local(address) is local


def test_the_app_shows_nothing_at_another_address_without_a_login(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    from streamlit import config

    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    try:
        app = open_page()
    finally:
        config.set_option("server.address", before)
    assert "without a login" in texts(app)
    assert not app.dataframe
    assert not app.metric


def test_who_is_not_logged_in_is_called_unverified(open_page: Open) -> None:
    assert "not logged in, so that the name is unverified" in texts(open_page())
