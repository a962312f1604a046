"""What the server says when it starts: where it listens, with what it works, what is missing."""

from __future__ import annotations

from sdr_lab import __version__
from sdr_lab.config import Settings
from sdr_lab.doctor import examine
from sdr_lab.lab import Lab
from sdr_lab.providers import choose

TELEPHONE = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL")
"""Without these no phone network can reach the server, nor be asked to dial."""

DANGERS = {
    "INSECURE_SKIP_SIGNATURES": "anybody who knows the address can pose as Twilio",
    "INSECURE_PRIVATE_WEBHOOKS": "tools and webhooks can reach machines of this network",
}

OPEN_TO_ALL = (
    "PUBLIC_URL without API_KEYS: a proxy that does not say for whom it asks (X-Forwarded-For) "
    "lets everybody use the API; set API_KEYS"
)


def greeting(settings: Settings, url: str) -> str:
    """Return some lines for a terminal. Looks at the machine, which takes about a second.

    Raises:
        StorageError: the workspace can't be opened.
    """
    lab = Lab(settings)
    chosen = choose(settings, lab.agent())
    lab.database.close()
    is_open = settings.public_url and not settings.accepted_keys()
    rows = [
        ("listens on", f"{url}  (API {url}/docs · phone {url}/phone · state {url}/ready)"),
        ("workspace", str(settings.sdr_lab_home.absolute())),
        ("speech", f"{chosen.stt} → {chosen.llm} → {chosen.tts}"),
        *(("", why) for why in chosen.why),
        ("telephone", telephone(settings)),
        ("keys", keys(settings)),
        *(("WARNING", f"{name} is on: {why}") for name, why in DANGERS.items()
          if getattr(settings, name.lower())),
        *([("WARNING", OPEN_TO_ALL)] if is_open else []),
        *(("note", notice) for notice in settings.notices),
        *(("missing", f"{check.name}: {check.detail}; {check.remedy}")
          for check in examine(settings) if check.state == "missing"),
    ]  # fmt: skip
    lines = [f"{name:<11} {text}" for name, text in rows]
    return "\n".join([f"sdr_lab {__version__}", *lines])


def telephone(settings: Settings) -> str:
    missing = [name for name in TELEPHONE if not settings.masked(name)]
    if missing:
        return f"not connected: {', '.join(missing)} not set (docs/operations.md)"
    hook = f"{settings.public_url.rstrip('/')}/voice/incoming"
    number = settings.twilio_phone_number or "no TWILIO_PHONE_NUMBER to call from"
    return f"Twilio, {number}; voice webhook of numbers: {hook}"


def keys(settings: Settings) -> str:
    if count := len(settings.accepted_keys()):
        return f"{count} in API_KEYS; the header is xi-api-key"
    return "none (API_KEYS is empty): only programs on this machine are let in"
