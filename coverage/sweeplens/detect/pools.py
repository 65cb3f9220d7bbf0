"""Accounts too small for a fingerprint, pooled by what they share: organisation, address, client, prompts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sweeplens.detect.links import Link
from sweeplens.signals.account import Accounts

LEAST_PROMPTS = 30  # distinct prompts from which on a pool is tested
# log(accounts of the log / accounts that share the value) under which a value says too little: more than a fifth of all
# accounts for values that somebody was given, more than one in fifty for those that many have without knowing it.
_RARE: Mapping[str, float] = {
    "org": np.log(5), "ip": np.log(5), "system_prompt": np.log(5), "ip_prefix": np.log(50), "user_agent": np.log(50),
}  # fmt: skip
_PROMPT_RARE = np.log(50)
Holders = list[np.ndarray]


def shared_values(accounts: Accounts, links: Sequence[Link], is_long: Callable[[int], bool]) -> Holders:
    """Return the accounts (codes) of each rare value that two or more accounts share, long prompts among the values."""
    code = {name: i for i, name in enumerate(accounts.names)}
    holders: dict[tuple[str, str], list[int]] = {}
    for link in links:
        if link.weight >= _RARE[link.kind]:
            holders.setdefault((link.kind, link.value), []).append(code[link.account_id])
    found = [np.unique(h) for _, h in sorted(holders.items()) if len(h) > 1]
    return found + _same_prompts(accounts, is_long)


def find_pools(accounts: Accounts, values: Holders, free: np.ndarray, least: int) -> list[np.ndarray]:
    """Return pools of at least so many `free` accounts (bool [N]) that hang together by shared values, largest first.

    Pools of fewer than 30 distinct prompts say too little and are left out.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    inside = [h[free[h]] for h in values]
    inside = [h for h in inside if len(h) > 1]
    if not inside:
        return []
    source = np.concatenate([np.full(len(h) - 1, h[0]) for h in inside])
    target = np.concatenate([h[1:] for h in inside])
    n = len(accounts)
    graph = coo_matrix((np.ones(len(source), np.int8), (source, target)), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    pools = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    pools = [p for p in pools if len(p) >= least and len(accounts.union(p.tolist()).distinct) >= LEAST_PROMPTS]
    return sorted(pools, key=lambda p: (-len(p), int(p[0])))


def find_beside(groups: Sequence[np.ndarray], values: Holders, free: np.ndarray) -> list[np.ndarray]:
    """Return for each group the `free` accounts that share a rare value with it.

    A value belongs to a group if two or more members have it, and at least half of those who are not free.
    """
    group_of = np.full(len(free), -1)
    for at, members in enumerate(groups):
        group_of[members] = at
    won: dict[int, int] = {}
    for holders in values:
        small = holders[free[holders]]
        known = group_of[holders[~free[holders]]]
        if not len(small) or (known >= 0).sum() < 2:
            continue
        best = int(np.bincount(known[known >= 0]).argmax())
        count = int((known == best).sum())
        if count >= 2 and 2 * count >= len(known):
            for account in small.tolist():
                won.setdefault(account, best)
    beside: list[list[int]] = [[] for _ in groups]
    for account, at in won.items():
        beside[at].append(account)
    return [np.array(sorted(codes), np.int64) for codes in beside]


def _same_prompts(accounts: Accounts, is_long: Callable[[int], bool]) -> Holders:
    """Return the accounts of each long prompt that several accounts sent, but not too many."""
    prompts = accounts.senders[1]
    if not len(prompts):
        return []
    senders = np.repeat(np.arange(len(accounts)), accounts.volumes)
    order = np.lexsort((senders, prompts))
    prompts, senders = prompts[order], senders[order]
    starts = np.flatnonzero(np.r_[True, np.diff(prompts) != 0])
    sizes = np.diff(np.r_[starts, len(prompts)])
    most = len(accounts) / np.exp(_PROMPT_RARE)
    wanted = np.flatnonzero((sizes > 1) & (sizes <= max(2.0, most)))
    return [senders[starts[i] : starts[i] + sizes[i]] for i in wanted.tolist() if is_long(int(prompts[starts[i]]))]
