"""What a session's owner reacts to: what the line delivers, what helpers find, what it is told."""

from __future__ import annotations

from dataclasses import dataclass

from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.call.playout import Speech
from sdr_lab.call.reply import Reply
from sdr_lab.records import TurnSignal, Words


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A reply's task has handed over all its audio."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Tick:
    """The line has been quiet for a moment; playing must go on."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Expired:
    """A guard on the loop's clock fired."""

    name: str


@dataclass(frozen=True, slots=True)
class TranscriberFailed:
    """The transcriber gave up."""

    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class LineClosed:
    """The caller hung up, or the line broke."""

    fault: str = ""
    """How it broke; empty: he hung up."""


# ---- orders: what somebody outside the call wants


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """Finish the sentence, say the agent's goodbye, hang up when it has been heard."""

    reason: str = "agent"
    """Reason of `events.CallEnded`."""


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """A machine has taken the call: drop everything, say this when it is silent, hang up."""

    text: str = ""
    """Empty: the agent's `voicemail_message`; if that is empty too, hang up at once."""


@dataclass(frozen=True, slots=True)
class EndNow:
    """Hang up at once."""

    reason: str
    """Reason of `events.CallEnded`."""


@dataclass(frozen=True, slots=True)
class UserText:
    """Words that the caller has typed: a whole turn. They cut in like spoken ones."""

    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """Something the agent should know from now on; no answer is due."""

    text: str


Order = SayGoodbye | LeaveMessage | EndNow | UserText | Context

Item = (
    Frame
    | Mark
    | Digit
    | Words
    | TurnSignal
    | Order
    | tuple[Reply, Speech]
    | ReplyDone
    | Tick
    | Expired
    | TranscriberFailed
    | LineClosed
)
