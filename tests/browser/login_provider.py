"""A small OpenID provider of our own: it lets in whoever it is told to, without asking."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "sweeplens"


class Provider:
    """What the provider knows: its key, its address, and the claims of the next login."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = RSAKey.generate_key(2048, {"kid": "test"})
        self.claims: Mapping[str, Any] = {}
        self.nonces: dict[str, str] = {}

    def token(self, code: str) -> str:
        """Return the signed claims."""
        now = int(time.time())
        fixed = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": self.nonces.pop(code)}
        return jwt.encode({"alg": "RS256", "kid": "test"}, {**fixed, **self.claims}, self.key)


@contextmanager
def provide() -> Iterator[Provider]:
    """Run a provider at a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    server.provider = provider  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._answer({
                "issuer": provider.url, "authorization_endpoint": f"{provider.url}/authorize",
                "token_endpoint": f"{provider.url}/token", "jwks_uri": f"{provider.url}/keys",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })  # fmt: skip
        elif parts.path == "/keys":
            self._answer({"keys": [provider.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            code = f"code-{len(provider.nonces)}"
            provider.nonces[code] = asked["nonce"]
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = provider.token(body["code"][0])
        self._answer({"access_token": "unused", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the parent's
        """Stay quiet."""

    def _answer(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
