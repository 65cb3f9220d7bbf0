"""What accounts share outside their prompts: organisation, address, client, system prompt. Evidence, never a score."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Link:
    """One value that several accounts share, seen from one of them; `weight` = log(all accounts / those with it)."""

    account_id: str
    kind: str
    value: str
    n_accounts: int
    weight: float


def find_links(requests: "pa.Table", n_accounts: int) -> list[Link]:
    """Return every value of org, IP, IP prefix, user agent and system prompt that two or more accounts share.

    Rare values weigh more; a value that all accounts have weighs nothing and is left out. Sorted by account and kind.
    """
    found: list[Link] = []
    sources: tuple[tuple[str, str, Callable[[str], str] | None], ...] = (
        ("org", "org_id", None), ("ip", "ip", None), ("ip_prefix", "ip", ip_prefix),
        ("user_agent", "user_agent", None), ("system_prompt", "system_prompt", None),
    )  # fmt: skip
    for kind, column, change in sources:
        found += _links_of(requests, kind, column, change, n_accounts)
    return sorted(found, key=lambda k: (k.account_id, k.kind, k.value))


def ip_prefix(address: str) -> str:
    """Return the /24 of an IPv4 or the /48 of an IPv6 address; an empty text for anything else."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def _links_of(
    requests: "pa.Table", kind: str, column: str, change: Callable[[str], str] | None, n_accounts: int
) -> list[Link]:
    import pyarrow.compute as pc

    table = requests.select(["account_id", column]).filter(pc.is_valid(requests[column]))
    if table.num_rows == 0:
        return []
    pairs = table.group_by(["account_id", column]).aggregate([])
    accounts = pairs["account_id"].to_pylist()
    values = pairs[column].to_pylist()
    if change is not None:
        changed = {v: change(v) for v in set(values)}
        both = sorted({(a, changed[v]) for a, v in zip(accounts, values, strict=True)})
        accounts, values = [a for a, _ in both], [v for _, v in both]
    known, code, size = np.unique(np.asarray(values, dtype=object), return_inverse=True, return_counts=True)
    links = []
    for account, value, n in zip(accounts, known[code].tolist(), size[code].tolist(), strict=True):
        if value and 2 <= n < n_accounts:
            links.append(Link(account, kind, value, n, float(np.log(n_accounts / n))))
    return links
