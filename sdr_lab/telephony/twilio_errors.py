"""What Twilio refuses, in words that help, with the status that our own API answers."""

from __future__ import annotations

from dataclasses import dataclass

from sdr_lab.errors import ProviderError

MORE_INFO = "https://www.twilio.com/docs/errors/{}"


class TwilioError(ProviderError):
    """Twilio refused, failed or did not answer."""

    def __init__(self, reason: str, status: int, code: int | None = None) -> None:
        super().__init__("twilio", reason)
        self.status = status
        """The HTTP status that we answer with, not Twilio's."""
        self.code = code
        """Twilio's own number of the error."""
        self.more_info = MORE_INFO.format(code) if code else ""


@dataclass(frozen=True, slots=True)
class Hint:
    status: int
    """What we answer with."""
    advice: str


HINTS: dict[int, Hint] = {
    10001: Hint(502, "the account is not active; see the Twilio console"),
    20003: Hint(
        502, "credentials refused; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in your settings"
    ),
    20005: Hint(502, "the account is not active; see the Twilio console"),
    20404: Hint(404, "Twilio does not know it; is it of this account?"),
    20429: Hint(429, "too many requests; try again in some seconds"),
    21201: Hint(422, "a number to call is missing"),
    21205: Hint(502, "Twilio can't use our address; set PUBLIC_URL to a public https address"),
    21210: Hint(422, "the number to call from is neither bought nor verified in this account"),
    21211: Hint(422, "the number to call is no phone number; give E.164 such as +15551234567"),
    21212: Hint(422, "the number to call from is no phone number; give E.164"),
    21213: Hint(422, "a number to call from is missing; set TWILIO_PHONE_NUMBER"),
    21214: Hint(422, "the number to call can't be reached"),
    21215: Hint(403, "calls to that country are off; allow it under Voice, Geo permissions"),
    21216: Hint(403, "calls to that number are blocked for this account"),
    21217: Hint(422, "the number to call is no phone number; give E.164 such as +15551234567"),
    21219: Hint(403, "a trial account may call verified numbers only; verify it or upgrade"),
    21220: Hint(409, "the call is not in progress any more"),
    21401: Hint(422, "the number to call is no phone number; give E.164 such as +15551234567"),
    21606: Hint(422, "the number to call from can't make calls in this account"),
}
"""By Twilio's code. Source: https://www.twilio.com/docs/api/errors"""


def twilio_error(action: str, http_status: int, code: int | None, message: str) -> TwilioError:
    """Translate a refusal.

    Args:
        action: What was tried, such as `dial`.
        http_status: Twilio's.
        code: Twilio's, if the answer had one. Its library gives the HTTP status instead.
        message: Twilio's own words, free of secrets.
    """
    if code is not None and code < 10_000:
        code = None
    hint = HINTS.get(code or 0) or _by_status(http_status)
    number = f" {code}" if code else f" (HTTP {http_status})"
    words = f"; Twilio says: {message}" if message else ""
    return TwilioError(f"{action} refused{number}: {hint.advice}{words}", hint.status, code)


def _by_status(status: int) -> Hint:
    if status in (401, 403):
        return HINTS[20003] if status == 401 else Hint(403, "this account may not do that")
    if status in (404, 429):
        return HINTS[20_000 + status]
    if 400 <= status < 500:
        return Hint(422, "Twilio can't use the request")
    return Hint(502, "Twilio has a problem; try again later, see https://status.twilio.com")
