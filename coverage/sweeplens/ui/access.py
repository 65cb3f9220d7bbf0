"""Who looks, and what they may do. Without a login it is the user of the operating system, whom nobody has checked."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from sweeplens.config import Settings
from sweeplens.errors import AccessError
from sweeplens.review.people import Person, system_person
from sweeplens.ui import data

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "admin")  # each may do what those before it may


@dataclass(frozen=True)
class Visitor:
    """Who looks, in which role."""

    person: Person
    role: Role

    @property
    def name(self) -> str:
        """The name under which verdicts are kept."""
        return self.person.name

    @property
    def verified(self) -> bool:
        """Whether a login has proven the name."""
        return self.person.verified


def has_login() -> bool:
    """Say whether Streamlit's own login is set up: secrets.toml has a section `auth`."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def is_local(address: object) -> bool:
    """Say whether a server at this address can be reached from this machine alone."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(address)).is_loopback
    except ValueError:
        return False


def visitor() -> Visitor:
    """Return who looks at this page. Raises `AccessError` for somebody who may not."""
    if not has_login():
        address = st.get_option("server.address")
        if not is_local(address):
            raise AccessError(
                f"the app is served at {address or 'every address of this machine'} without a login: set up a login "
                "in .streamlit/secrets.toml, or serve it at 127.0.0.1"
            )
        return Visitor(system_person(), "admin")
    if not st.user.is_logged_in:
        raise AccessError("nobody is logged in: log in first")
    claims = st.user.to_dict()
    role = role_of(claims, data.settings())
    if role is None:
        raise AccessError(f"{_name(claims)} is logged in, but has no role here: ask an admin of this app for one")
    return Visitor(Person(_name(claims), verified=True), role)


def may_write() -> bool:
    """Say whether this visitor may leave verdicts, names and assignments."""
    return visitor().role in {"analyst", "admin"}


def may_export() -> bool:
    """Say whether this visitor may take files away."""
    return data.settings().export


def role_of(claims: Mapping[str, Any], settings: Settings) -> Role | None:
    """Return the highest role that the login's claims give: by the claim of the settings, or by their lists.

    The lists go by e-mail address, and only where the login does not say that it is unverified.
    """
    named = claims.get(settings.role_claim) if settings.role_claim else None
    given = {named} if isinstance(named, str) else set(named) if isinstance(named, list | tuple) else set()
    email = str(claims.get("email") or "").casefold()
    sure = claims.get("email_verified", True) is not False
    found = [role for role in ROLES if role in given or (sure and _listed(email, getattr(settings, f"{role}s")))]
    return found[-1] if found else None


def _listed(email: str, names: str) -> bool:
    wanted = [name.strip().casefold() for name in names.split(",")]
    return bool(email) and any(
        name == email or (name.startswith("@") and email.endswith(name)) for name in wanted if name
    )


def _name(claims: Mapping[str, Any]) -> str:
    return str(claims.get("email") or claims.get("preferred_username") or claims.get("sub") or "somebody")
