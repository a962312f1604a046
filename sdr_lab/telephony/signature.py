"""Is it Twilio who asks? Checked with twilio's own validator.

Source: https://www.twilio.com/docs/usage/security, "Validating requests"; the upgrade of a media
stream is signed like a GET, over the `wss://` address.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Form(Protocol):
    """A form whose names may repeat, as Starlette parses it."""

    def getlist(self, key: Any) -> list[Any]: ...

    def keys(self) -> Iterable[Any]: ...


class SignatureCheck:
    """Checks signatures over the public address, never over what the request's headers claim.

    Args:
        public_url: `https://host[:port][/path]` under which Twilio reaches this server.
        auth_token: The account's token. Without one nothing is let in, unless `skip` is set.
        skip: Development only: everything is let in.
    """

    def __init__(self, public_url: str, auth_token: str, skip: bool = False) -> None:
        self.public_url = public_url.rstrip("/")
        self.skip = skip
        self._token = auth_token
        if skip:
            log.warning("INSECURE_SKIP_SIGNATURES is on: anybody can pretend to be Twilio")

    def webhook(
        self,
        path_and_query: str,
        form: Form | Mapping[str, str | list[str]],
        signature: str,
        settings_header: str = "",
    ) -> bool:
        """Check a webhook.

        Args:
            path_and_query: As requested, `/voice/incoming?a=1`, still percent-encoded.
            form: The posted fields, blank ones included; empty for GET.
            signature: Header `X-Twilio-Signature`.
            settings_header: Header `X-Twilio-Webhooks-Signature-Settings`: names the algorithm.
        """
        from twilio.request_validator import get_signature_algorithm

        return self._is_valid(
            self.public_url,
            path_and_query,
            form,
            signature,
            get_signature_algorithm(settings_header),
        )

    def upgrade(self, path: str, signature: str) -> bool:
        """Check the request that opens a media stream, before it is accepted.

        Proxies and TwiML disagree about a slash at the end, so both are tried.
        """
        base = "ws" + self.public_url.removeprefix("http")
        bare = path.rstrip("/")
        return any(self._is_valid(base, p, {}, signature, None) for p in (bare, f"{bare}/"))

    def _is_valid(
        self,
        base: str,
        path: str,
        form: Form | Mapping[str, str | list[str]],
        signature: str,
        algorithm: str | None,
    ) -> bool:
        from twilio.request_validator import RequestValidator

        if self.skip:
            return True
        if not (self._token and self.public_url and signature) or not path.startswith("/"):
            return False
        fields = _Fields(form)
        if not fields.is_text:  # a file among them: Twilio sends none
            return False
        try:
            return RequestValidator(self._token).validate(base + path, fields, signature, algorithm)
        except ValueError:  # no address, or text that is no Unicode
            return False


def sign(url: str, form: Mapping[str, str | list[str]], auth_token: str) -> str:
    """Return `X-Twilio-Signature` of a request, as Twilio computes it (HMAC-SHA1).

    Args:
        url: The whole address with its query; `wss://…` for the upgrade of a media stream.
        form: The posted fields; empty for GET and for an upgrade.
    """
    from twilio.request_validator import RequestValidator

    return RequestValidator(auth_token).compute_signature(url, _Fields(form))


class _Fields:
    """A form as the validator wants it: iterable by name, `getlist`, false when empty."""

    def __init__(self, form: Form | Mapping[str, str | list[str]]) -> None:
        values = {name: _values(form, name) for name in form.keys()}  # noqa: SIM118 (Form has no iter)
        self.is_text = all(isinstance(v, str) for vs in values.values() for v in vs)
        self._values = values

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        return self._values[name]


def _values(form: Form | Mapping[str, str | list[str]], name: str) -> list[Any]:
    if not isinstance(form, Mapping) or hasattr(form, "getlist"):
        return list(form.getlist(name))  # type: ignore[union-attr]
    value = form[name]
    return [value] if isinstance(value, str) else list(value)
