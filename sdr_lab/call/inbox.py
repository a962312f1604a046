"""What a session's owner reacts to, besides what the line delivers."""

from __future__ import annotations

from dataclasses import dataclass

from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.call.playout import Speech
from sdr_lab.call.reply import Reply
from sdr_lab.records import Words


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


Item = (
    Frame
    | Mark
    | Digit
    | Words
    | tuple[Reply, Speech]
    | ReplyDone
    | Tick
    | Expired
    | TranscriberFailed
    | LineClosed
)
