"""The generic format: one request a row, under the canonical field names or common other names."""

from collections.abc import Mapping, Sequence

ALIASES: dict[str, tuple[str, ...]] = {
    "request_id": ("request_id", "id"),
    "account_id": ("account_id", "account", "user_id", "user", "customer_id"),
    "ts": ("ts", "timestamp", "created_at", "created", "time"),
    "prompt": ("prompt", "messages", "text", "input", "content"),
    "session_id": ("session_id", "session", "conversation_id", "thread_id"),
    "model": ("model", "model_name", "model_id"),
    "org_id": ("org_id", "org", "organization_id", "organization", "tenant_id", "tenant"),
    "ip": ("ip", "ip_address", "client_ip", "remote_addr"),
    "user_agent": ("user_agent",),
    "system_prompt": ("system_prompt", "system", "instructions"),
    "tokens_in": ("tokens_in", "input_tokens", "prompt_tokens"),
    "tokens_out": ("tokens_out", "output_tokens", "completion_tokens"),
}
"""Canonical field -> the names it is looked for under, the first that holds a value wins."""

_Plan = list[tuple[str, tuple[str, ...]]]
_plans: dict[tuple[str, ...], _Plan] = {}
_MAX_PLANS = 1000
_EMPTY: tuple[object, ...] = ("", {}, [])  # what loggers write where there is nothing


def sniff(rows: Sequence[Mapping[str, object]]) -> float:  # noqa: ARG001 - any row may be generic
    """Return the least certainty there is: generic is what a log is when it is nothing else."""
    return 0.01


def to_fields(row: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the one request of a row."""
    fields: dict[str, object] = {}
    for field, keys in _plan(tuple(row)):
        for key in keys:
            value = row[key]
            if value is not None and value not in _EMPTY:
                fields[field] = value
                break
    return [fields]


def fields_of(columns: Sequence[str]) -> frozenset[str]:
    """Return the canonical fields that a table with these columns has."""
    return frozenset(field for field, _ in _plan(tuple(columns)))


def _plan(keys: tuple[str, ...]) -> _Plan:
    """Match the keys of a row with the fields, once for each set of keys: a log has few of them."""
    plan = _plans.get(keys)
    if plan is None:
        if len(_plans) >= _MAX_PLANS:
            _plans.clear()
        plan = _plans[keys] = _match(keys)
    return plan


def _match(keys: tuple[str, ...]) -> _Plan:
    plain: dict[str, str] = {}
    for key in keys:
        plain.setdefault(_plain(key), key)
    plan: _Plan = []
    for field, names in ALIASES.items():
        # The exact name comes before the same name spelt otherwise.
        found = [name if name in keys else plain[_plain(name)] for name in names if _plain(name) in plain]
        if found:
            plan.append((field, tuple(dict.fromkeys(found))))
    return plan


def _plain(name: str) -> str:
    """Return a name without case and separators, so that accountId, Account ID and account_id are one."""
    return "".join(char for char in name.lower() if char.isalnum())
