"""What the API says of calls, for the OpenAPI document. Built in live/account.py."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sdr_lab.errors import BadInput
from sdr_lab.store.folder import Status
from sdr_lab.telephony.numbers import e164

if TYPE_CHECKING:
    from sdr_lab.store.call_rows import CallFilter

FAR_UNIX_S = 253_402_300_799
"""The last second that a date can name."""

SdkStatus = Literal["initiated", "in-progress", "processing", "done", "failed"]
Verdict = Literal["success", "failure", "unknown"]

EXAMPLE_SUMMARY = {
    "agent_id": "agent_5f2c9a1b7d3e4f60",
    "agent_name": "Joe",
    "conversation_id": "conv_0a1b2c3d4e5f60718293",
    "start_time_unix_secs": 1764576000,
    "call_duration_secs": 74,
    "message_count": 9,
    "status": "done",
    "call_successful": "success",
    "transcript_summary": "Outbound call of 74 s in which the caller spoke 4 times.",
    "call_summary_title": "An appointment was booked",
    "direction": "outbound",
    "termination_reason": "agent",
    "tool_names": ["book_appointment"],
    "call_sid": "CA0123456789abcdef0123456789abcdef",
    "call_status": "completed",
    "outcome": "booked",
    "phone_number": "+13125550100",
    "dynamic_variables": {"lead_name": "Pat"},
    "ended_reason": "agent",
    "recording_url": None,
    "duration_secs": 74.26,
    "created_at": "2025-12-01T08:00:00.000+00:00",
    "started_at": "2025-12-01T08:00:00.000+00:00",
    "ended_at": "2025-12-01T08:01:14.260+00:00",
}


class CallQuery(BaseModel):
    """Which calls are listed. Other filters are refused: leaving them out would list too many."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field("", max_length=128, description="Id or name.")
    cursor: str = Field("", max_length=512, description="`next_cursor` of the page before.")
    page_size: int = Field(30, ge=1, le=100)
    skip: int = Field(0, ge=0, le=1_000_000, description="As the seed pages.")
    limit: int | None = Field(None, ge=1, le=100, description="As the seed pages.")
    call_successful: Verdict | None = None
    call_start_after_unix: int | None = Field(None, ge=0, le=FAR_UNIX_S)
    call_start_before_unix: int | None = Field(None, ge=0, le=FAR_UNIX_S)
    call_duration_min_secs: int | None = Field(None, ge=0, le=10_000_000)
    call_duration_max_secs: int | None = Field(None, ge=0, le=10_000_000)
    search: str = Field("", max_length=200, description="Words of the transcript.")
    summary_mode: Literal["exclude", "include"] = "exclude"
    status: Status | None = Field(None, description="The seed's status, such as `completed`.")
    direction: Literal["inbound", "outbound"] | None = None
    phone_number: str = Field("", max_length=40, description="The other side's.")
    user_id: str = Field("", max_length=255, description="As it was given with the call.")
    sort_direction: Literal["desc"] = Field("desc", description="Newest first.")

    @field_validator("phone_number")
    @classmethod
    def as_it_is_stored(cls, number: str) -> str:
        """A `+` that a client has not written as %2B comes as a blank."""
        try:
            return e164(number.strip()) if number.strip() else ""
        except BadInput:
            return number

    @property
    def which(self) -> CallFilter:
        """The same for the store."""
        from sdr_lab.store.call_rows import CallFilter

        return CallFilter(
            agent=self.agent_id,
            status=self.status,
            direction=self.direction or "",
            phone_number=self.phone_number,
            user_id=self.user_id,
            since=moment(self.call_start_after_unix),
            until=moment(self.call_start_before_unix),
            min_duration_s=self.call_duration_min_secs,
            max_duration_s=self.call_duration_max_secs,
            search=self.search,
            successful=self.call_successful,
        )


def moment(unix_s: int | None) -> datetime | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC)


class Open(BaseModel):
    """More fields may come."""

    model_config = ConfigDict(extra="allow")


class ConversationSummary(Open):
    """A call as it stands in lists: the SDK's fields, then the seed's."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": EXAMPLE_SUMMARY})

    agent_id: str
    agent_name: str
    conversation_id: str
    start_time_unix_secs: int
    call_duration_secs: int
    message_count: int = Field(description="Turns with text.")
    status: SdkStatus
    call_successful: Verdict
    transcript_summary: str | None = None
    call_summary_title: str | None = None
    direction: Literal["inbound", "outbound"] = "inbound"
    termination_reason: str | None = None
    tool_names: list[str] = []
    call_sid: str | None = Field(None, description="The phone network's name of the call.")
    call_status: str = Field(
        description="The seed's status: initiated, in-progress, completed, voicemail, busy, "
        "no-answer, canceled, failed, broken-off."
    )
    outcome: str | None = Field(
        None,
        description="booked, transferred, do_not_call, voicemail, wrong_person, not_interested, "
        "call_back, interested.",
    )
    phone_number: str | None = Field(None, description="The other side, E.164.")
    dynamic_variables: dict[str, Any] = {}
    ended_reason: str | None = None
    recording_url: str | None = Field(None, description="Twilio's recording, if there is one.")
    duration_secs: float
    created_at: str
    started_at: str
    ended_at: str | None = None


class ConversationPage(BaseModel):
    """A part of the list of calls, newest first."""

    conversations: list[ConversationSummary]
    next_cursor: str | None = None
    has_more: bool
    total: int = Field(description="How many there are in all pages.")


class TranscriptEntry(Open):
    """A turn as it was heard."""

    role: Literal["user", "agent"]
    message: str | None = Field(description="None: only tools ran.")
    time_in_call_secs: int
    at_ms: int = Field(description="The same, exactly.")
    interrupted: bool = Field(description="The caller cut in.")
    original_message: str | None = Field(
        None, description="What the agent had wanted to say when the caller cut in."
    )
    tool_calls: list[dict[str, Any]] = []
    tool_results: list[dict[str, Any]] = []
    conversation_turn_metrics: dict[str, Any] | None = Field(
        None, description='`{"metrics": {"voice_to_voice": {"elapsed_time": 0.81}, …}}`, seconds.'
    )
    rag_retrieval_info: dict[str, Any] | None = None
    intent: str | None = Field(None, description="What the caller wanted; turns of the caller.")


class ConversationDetail(ConversationSummary):
    """All that is known of a call."""

    has_audio: bool
    has_user_audio: bool
    has_response_audio: bool
    transcript: list[TranscriptEntry]
    transcript_text: str = Field(description="The transcript as plain text.")
    metadata: dict[str, Any] = Field(
        description="Times, cost, phone call; and what was given when the call was placed."
    )
    analysis: dict[str, Any] | None = Field(description="None until it is made.")
    conversation_initiation_client_data: dict[str, Any]


class FeedbackRequest(BaseModel):
    """A verdict on a call."""

    feedback: Literal["like", "dislike"]

    model_config = ConfigDict(json_schema_extra={"example": {"feedback": "like"}})


class EndRequest(BaseModel):
    """How a call that runs is to end."""

    reason: str = Field("agent", max_length=64, pattern=r"^[a-z][a-z0-9_]*$")
    say_goodbye: bool = Field(True, description="False: hang up at once.")

    model_config = ConfigDict(json_schema_extra={"example": {"say_goodbye": True}})


class EndReply(BaseModel):
    """The order was given; the call's status follows."""

    success: bool
    conversation_id: str
    message: str


class Done(BaseModel):
    """It was done."""

    success: bool = True
