"""What the demo knows about its accounts, and the pieces that an account is made of."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Truth:
    """What an account of the demo log really is.

    `label` is attack, benign or dual; `type` is user, tenant, tenant_key, gateway, benchmark, solo, solo_blend or
    hydra; `campaign_id` names the campaign of a hydra or the business of a tenant_key, and is empty for all others.
    """

    label: str
    type: str
    campaign_id: str
    note: str


@dataclass(frozen=True)
class Turn:
    """One request before it has an id: when, in which session, and what was asked."""

    at: datetime
    session: int
    prompt: str


@dataclass(frozen=True)
class Account:
    """One account with everything it sent; `ips` is drawn from for each session."""

    account_id: str
    truth: Truth
    model: str
    ips: tuple[str, ...]
    user_agent: str
    turns: list[Turn] = field(repr=False)
    org_id: str | None = None
    system_prompt: str | None = None
