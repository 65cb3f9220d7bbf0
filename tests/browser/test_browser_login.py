"""The login: nothing is shown before it, roles come from claims and lists, and a viewer cannot write."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, free_port, serve, settle
from login_provider import CLIENT, Provider, provide
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provide() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(store: Path, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home, port = tmp_path_factory.mktemp("guarded"), free_port()
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "only for this test"
        client_id = "{CLIENT}"
        client_secret = "none"
        server_metadata_url = "{provider.url}/.well-known/openid-configuration"
        """,
        encoding="utf-8",
    )
    roles = {"role_claim": "roles", "viewers": "@example.org", "analysts": "ann@example.com"}
    with serve(store, home / "server.log", home, port, **roles) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


def log_in(page: Page, app: App, provider: Provider, **claims: object) -> None:
    provider.claims = {"sub": "1", **claims}
    page.goto(f"{app.url}/")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{app.url}/")
    settle(page)


def test_nothing_is_shown_before_the_login(page: Page, guarded: App) -> None:
    page.goto(f"{guarded.url}/account?account=lone")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    assert "lone" not in page.inner_text("body")


def test_an_analyst_of_the_list_may_write_under_the_proven_name(page: Page, guarded: App, provider: Provider) -> None:
    log_in(page, guarded, provider, email="ann@example.com", email_verified=True)
    expect(page.get_by_text("ann@example.com, analyst")).to_be_visible()
    page.goto(f"{guarded.url}/account?account=lone")
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def test_a_viewer_sees_the_case_but_no_form(page: Page, guarded: App, provider: Provider) -> None:
    log_in(page, guarded, provider, email="vera@example.org", email_verified=True)
    expect(page.get_by_text("vera@example.org, viewer")).to_be_visible()
    page.goto(f"{guarded.url}/account?account=lone")
    expect(page.get_by_text("No verdict yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_a_claim_gives_the_role(page: Page, guarded: App, provider: Provider) -> None:
    log_in(page, guarded, provider, email="root@elsewhere.test", roles=["staff", "admin"])
    expect(page.get_by_text("root@elsewhere.test, admin")).to_be_visible()


@pytest.mark.parametrize(
    "claims",
    [{"email": "stranger@elsewhere.test"}, {"email": "ann@example.com", "email_verified": False}],
    ids=["unknown", "unverified address"],
)
def test_who_has_no_role_sees_nothing(page: Page, guarded: App, provider: Provider, claims: dict[str, object]) -> None:
    log_in(page, guarded, provider, **claims)
    expect(page.get_by_text("has no role here")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
