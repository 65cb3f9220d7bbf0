"""Secrets go, ordinary text stays, and no text takes long. Every secret is made up and put together at run time."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeplens.logs.redact import KINDS, redact, redact_repeated

ALNUM = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ" * 4
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 3
JWT = ".".join(("ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiIxMjM0In0", "c2lnbmF0dXJl-_x"))
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow" + ALNUM[:64] + "\n" + ALNUM[:64] + "\n-----END RSA " + "PRIVATE KEY-----"
)

SECRETS = {
    "key": [
        "sk-" + ALNUM[:48],
        "sk-" + "proj-" + ALNUM[:60] + "_x-" + ALNUM[:20],
        "sk-" + "ant-api03-" + ALNUM[:90],
        "sk" + "_live_" + ALNUM[:24],
        "rk" + "_test_" + ALNUM[:24],
        "wh" + "sec_" + ALNUM[:32],
        "AKI" + "AIOSFODNN7EXAMPLE",
        "AIz" + "a" + ALNUM[:35],
        "gs" + "k_" + ALNUM[:52],
        "xa" + "i-" + ALNUM[:80],
        "nva" + "pi-" + ALNUM[:64],
        "r" + "8_" + ALNUM[:37],
        "dap" + "i" + HEX[:32],
        "S" + "G." + ALNUM[:22] + "." + ALNUM[:43],
        "key" + "-" + HEX[:32],
        PEM,
    ],
    "token": [
        "gh" + "p_" + ALNUM[:36],
        "github" + "_pat_" + ALNUM[:82],
        "glp" + "at-" + ALNUM[:20],
        "np" + "m_" + ALNUM[:36],
        "hf" + "_" + ALNUM[:34],
        "xox" + "b-123456789012-" + ALNUM[:24],
        JWT,
        "123456789" + ":AA" + ALNUM[:33],
        "do" + "p_v1_" + HEX[:64],
        "ya" + "29." + ALNUM[:60],
    ],
    "email": ["jane.doe+list@mail.example.co.uk", "x_1@example.com", "O%27N@example.museum"],
    "card": ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "3782 822463 10005", "6011000990139424"],
    "phone": [
        "+44 20 7946 0958",
        "+1 (555) 123-4567",
        "+4915112345678",
        "(555) 123-4567",
        "555-123-4567",
        "1-800-555-0199",
        "555.123.4567",
        "0044 20 7946 0958",
    ],
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
ORDINARY = r"""
12345678901234 + 98765432109876 = 111111111011110
3.14159265358979323846
1234567890123456 divided by 7
x = 4111111111111112
0000000000000000
4111.1111.1111.1111
1,234,567,890 people
555 - 123 - 4567 = ?
between 1990-2000 and 2010-2020
2026-04-06 10:00:03
06/04/2026 and 04-06-2026
1775469603649
blk_1608999687919862906
192.168.100.200:8080
ISBN 978-3-16-148410-0
550e8400-e29b-41d4-a716-446655440000
order 20260406-123-4567890
+1234567890
2 +1234567
profit of +10 000 000 units
version 10.15.7.12345
4971850134824
[1, 2, 3, 4, 5, 6, 7, 8, 9]
the cell count is 15000000
mobile sales: 2026-04-06
12 34 56 78 90
1 800 555
phone model 12
号码 12
@app.route('/x')
-@pytest.mark.slow
git clone git@github.com:org/repo.git
icon@2x.png
npm i @scope/pkg@1.2.3
Y = X@W.transpose()
token = tokenizer.encode(text)
api_key = os.environ["OPENAI_API_KEY"]
password: str = Field(...)
password = request.form['password']
secret_key = get_secret_value_from_vault_v2()
max_tokens=1024
api_key=YOUR_API_KEY
sk-learn-and-other-python-libraries
class=sk-folding-cube-animation-child
risk-adjusted-return-on-capital-2024x
const token = await getAccessTokenForUser1(id)
def reset_password(user): ...
password: settings.db.password
eyJhbGci is how a JWT starts
-----BEGIN PRIVATE KEY----- is the first line
Bearer of bad news from headquarters
http://localhost:8080/@scope/x
https://example.com:443/path
AKIA is a prefix
a@b
user@localhost
@mention and #tag
5 @ 3.50 each
[email] [key] [phone]
The secret: patience and practice
A password should have twelve characters
Tell me the key: why does it matter?
"""
PLANTED = [(kind, secret) for kind, secrets in SECRETS.items() for secret in secrets]


@pytest.mark.parametrize(
    "around", ["{}", "Why does {} fail?", "({})", '"{}",', "我的密钥是{}。", "first\n{}\nlast", "a={}; b"]
)
@pytest.mark.parametrize(("kind", "secret"), PLANTED, ids=lambda value: value[:12])
def test_secrets_are_replaced_by_their_kind(kind, secret, around):
    text, counts = redact(around.format(secret))
    assert text == around.format(f"[{kind}]")
    assert counts == {kind: 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres" + "://app:hunter2@db.example.com/x", "postgres://app:[key]@db.example.com/x"),
        ("AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_SECRET_ACCESS_KEY=[key]"),
        ('{"api_key": "' + HEX[:32] + '"}', '{"api_key": "[key]"}'),
        ("client_secret: '" + ALNUM[:30] + "'", "client_secret: '[key]'"),
        ("DB_PASSWORD=Tr0ub4dor&3 next", "DB_PASSWORD=[key] next"),
        ('"password": "correct-h0rse"', '"password": "[key]"'),
        ("access_token=" + ALNUM[:40] + "&x=1", "access_token=[token]&x=1"),
        ("Authorization: Bearer " + ALNUM[:40], "Authorization: Bearer [token]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [token]"),
        ("AccountKey=" + ALNUM[:86] + "==;EndpointSuffix=x", "AccountKey=[key];EndpointSuffix=x"),
        (
            "https://hooks.slack.com/services/" + "T00000000/B00000000/" + ALNUM[:24],
            "https://hooks.slack.com/services/[token]",
        ),
        (PEM[:120] + "\nand so on", "[key]and so on"),
        ("Call me at 020 7946 0958, please", "Call me at [phone], please"),
        ("my phone number is 5551234567", "my phone number is [phone]"),
        ('"phone": "030 123456"', '"phone": "[phone]"'),
        ("我的手机号码是13800138000。", "我的手机号码是[phone]。"),
        ("请打13800138000找我", "请打[phone]找我"),
        ("Tel: 01 23 45 67 89 / fax 01 23 45 67 80", "Tel: [phone] / fax [phone]"),
        ("+44 20 7946 0958 3 times", "[phone] 3 times"),
        ("mail a@example.com, b@example.com or ring 555-123-4567", "mail [email], [email] or ring [phone]"),
    ],
)
def test_secrets_in_context(text, expected):
    assert redact(text)[0] == expected


@pytest.mark.parametrize("text", [*ORDINARY.strip().splitlines(), CERTIFICATE])
def test_ordinary_text_stays(text):
    assert redact(text) == (text, {})


def test_counts_by_kind():
    text = " ".join(secret for _, secret in PLANTED)
    assert redact(text)[1] == {kind: len(secrets) for kind, secrets in SECRETS.items()}
    assert set(SECRETS) == set(KINDS)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([s for _, s in PLANTED]) | st.text(max_size=8) | st.sampled_from(" -.:=@+'\"\n/1a"), max_size=12
    )
)
def test_redacting_twice_changes_nothing(parts):
    once, counts = redact("".join(parts))
    assert redact(once) == (once, {})
    assert all(count > 0 for count in counts.values())
    assert sum(once.count(f"[{kind}]") for kind in KINDS) >= bool(counts)


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_is_taken(text):
    changed, counts = redact(text)
    assert (changed == text) == (not counts)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "-",
        "@",
        "a@",
        "a@b.",
        "eyJ",
        "eyJaaaaa.",
        "sk-",
        "token=",
        'password: "',
        "://a:",
        "1-",
        "(555) ",
        "+1",
        "+447946095812 ",
        "4111111111111111 ",
        "-----BEGIN PRIVATE KEY-----",
        "phone ",
        "bearer ",
        "secret'=",
        "00 1",
        "电话1",
        "Aa1=",
    ],
)
def test_hostile_text_takes_linear_time(piece):
    """Quadratic time would take minutes here, and the run would be stopped."""
    text = (piece * (200_000 // len(piece) + 1))[:200_000] + "("
    changed, counts = redact(text)
    assert (changed == text) == (not counts)


def test_repeated_text_is_counted_each_time():
    assert [redact_repeated("Write to a@example.com")[1] for _ in range(3)] == [{"email": 1}] * 3
    assert redact_repeated("x" * 200_000 + " a@example.com")[1] == {"email": 1}


def test_secrets_in_each_field(read_log, write):
    """Prompts and system prompts are redacted before ids are made; what identifies or describes a request stays."""
    mail = "jane@example.com"
    row = dict.fromkeys(
        ("account_id", "session_id", "model", "org_id", "user_agent", "prompt", "system_prompt"), f"x {mail}"
    )
    requests, stats, _ = read_log(write("log.jsonl", [row, {**row, "prompt": "x other@example.com"}, {"prompt": mail}]))
    assert {request.prompt for request in requests} == {request.system_prompt for request in requests} == {"x [email]"}
    assert requests[0][4:9:3] == (f"x {mail}", None)
    assert (requests[0].account_id, requests[0].org_id, requests[0].user_agent) == (f"x {mail}",) * 3
    assert stats.redactions == {"email": 4}
    assert mail not in json.dumps([r.request_id for r in requests])
    assert len({r.request_id for r in requests}) == 2


def test_redaction_can_be_turned_off(read_log, write):
    path = write("log.jsonl", [{"account_id": "a", "prompt": "mail jane@example.com"}])
    requests, stats, _ = read_log(path, redact=False)
    assert requests[0].prompt == "mail jane@example.com"
    assert not stats.redactions
