"""What clients send and get of agents, for validation and for the OpenAPI description.

Sections of the SDK allow more than is named here: what this server does not use is kept.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SEED_EXAMPLE = {
    "name": "Sales Bot",
    "system_prompt": "You are a helpful sales representative of {{company}}.",
    "first_message": "Hello! How can I help you today?",
    "voice_provider": "deepgram",
    "voice_id": "aura-2-thalia-en",
    "model_provider": "ollama",
    "model_name": "llama3:8b-instruct-q4_K_S",
    "interrupt_enabled": True,
    "silence_threshold_sec": 0.8,
    "variables": {"company": "Maplewood"},
}

SDK_EXAMPLE = {
    "name": "Sales Bot",
    "conversation_config": {
        "agent": {
            "first_message": "Hello! How can I help you today?",
            "language": "en",
            "prompt": {"prompt": "You are a helpful sales representative.", "temperature": 0.2},
        },
        "tts": {"voice_id": "aura-2-thalia-en"},
        "conversation": {"max_duration_seconds": 600},
    },
    "platform_settings": {
        "evaluation": {
            "criteria": [
                {
                    "id": "booked",
                    "name": "Demo booked",
                    "type": "prompt",
                    "conversation_goal_prompt": "The caller agreed to a time for a demo.",
                }
            ]
        },
        "data_collection": {"company": {"type": "string", "description": "Where they work."}},
    },
    "tags": ["outbound"],
}

CREATE_EXAMPLES: dict[str, Any] = {
    "seed": {"summary": "Flat fields, as in the seed", "value": SEED_EXAMPLE},
    "sdk": {"summary": "Nested, as the official SDK sends it", "value": SDK_EXAMPLE},
}


class Section(BaseModel):
    """A part of the SDK's config; what is not named here is kept and given back."""

    model_config = ConfigDict(extra="allow")


class PromptSection(Section):
    prompt: str | None = Field(None, description="Same as system_prompt.")
    llm: str | None = Field(None, description="Same as model_name.")
    temperature: float | None = None
    timezone: str | None = Field(None, description="Same as time_zone.")
    tool_ids: list[str] | None = Field(None, description="Tools of this agent.")
    knowledge_base: list[dict[str, Any]] | None = Field(
        None, description="Documents: `id` each, as in the list of the knowledge base."
    )
    built_in_tools: dict[str, Any] | None = Field(
        None, description="end_call, transfer_to_number, voicemail_detection; others are kept."
    )


class DynamicVariables(Section):
    dynamic_variable_placeholders: dict[str, str | bool | int | float] | None = Field(
        None, description="Same as variables."
    )


class AgentSection(Section):
    first_message: str | None = Field(
        None, description='Null: a default. "": the caller speaks first.'
    )
    language: str | None = None
    prompt: PromptSection | None = None
    dynamic_variables: DynamicVariables | None = None


class TtsSection(Section):
    voice_id: str | None = None


class AsrSection(Section):
    keywords: list[str] | None = Field(None, description="Same as vocabulary.")


class ConversationSection(Section):
    max_duration_seconds: float | None = Field(None, description="Same as max_call_s.")


class ConversationConfig(Section):
    """How the conversation goes."""

    agent: AgentSection | None = None
    tts: TtsSection | None = None
    asr: AsrSection | None = None
    turn: Section | None = None
    conversation: ConversationSection | None = None


class EvaluationSection(Section):
    criteria: list[dict[str, Any]] | None = Field(
        None, description="`id`, `name`, `conversation_goal_prompt` each; same as evaluation."
    )


class PlatformSettings(Section):
    """What surrounds the conversation."""

    evaluation: EvaluationSection | None = None
    data_collection: dict[str, dict[str, Any]] | None = None
    archived: bool | None = Field(None, description="The opposite of is_active.")


class AgentBody(BaseModel):
    """An agent, or the parts of it that change. Null goes back to the default.

    Each value may stand in its flat place, in its nested place, or in both if they agree.
    """

    model_config = ConfigDict(
        extra="allow",  # refused by name, with the nearest known one
        json_schema_extra={"additionalProperties": False},
    )

    name: str | None = Field(None, min_length=1, max_length=100)
    system_prompt: str | None = Field(
        None, min_length=1, max_length=20_000, description="May hold {{variables}}."
    )
    first_message: str | None = Field(
        None, description='Null: a default. "": the caller speaks first.'
    )
    voice_provider: str | None = Field(None, description="auto, deepgram, piper, tone.")
    voice_id: str | None = Field(None, description="Empty: the provider's default.")
    model_provider: str | None = Field(None, description="auto, ollama, llama_cpp, playbook.")
    model_name: str | None = Field(None, description="Empty: the provider's default.")
    stt_provider: str | None = Field(None, description="auto, deepgram, deepgram_flux, whisper.")
    temperature: float | None = Field(None, ge=0, le=2)
    language: str | None = Field(None, examples=["en"])
    time_zone: str | None = Field(None, examples=["America/Chicago"])
    interrupt_enabled: bool | None = Field(None, description="Null: INTERRUPT_ENABLED.")
    interrupt: dict[str, Any] | None = Field(
        None, description="min_energy, baseline_factor, min_speech_ms, debounce_ms, …"
    )
    silence_threshold_sec: float | None = Field(
        None, ge=0.2, le=5, description="Null: SILENCE_THRESHOLD_SEC."
    )
    max_call_s: float | None = Field(None, ge=5, le=14_400, description="Null: MAX_CALL_S.")
    variables: dict[str, str | bool | int | float] | None = None
    tools: list[str] | None = Field(None, description="Built-in tools that are on.")
    departments: dict[str, str] | None = Field(None, description="Name → number to transfer to.")
    keys: dict[str, str] | None = Field(None, description="What pressing a key does.")
    knowledge: str | None = Field(None, description="Name of the knowledge base.")
    vocabulary: list[str] | None = None
    playbook: dict[str, Any] | None = Field(None, description="lines, facts, forbidden.")
    apology: str | None = None
    reprompt: str | None = None
    goodbye: str | None = None
    not_heard: str | None = None
    on_voicemail: Literal["hang_up", "leave_message", "ignore"] | None = None
    voicemail_message: str | None = None
    evaluation: dict[str, str] | None = Field(None, description="Id → what must be true.")
    data_collection: dict[str, dict[str, Any]] | None = None
    tags: list[str] | None = None
    is_active: bool | None = Field(None, description="False hides the agent, true brings it back.")
    user_id: str | None = Field(None, description="Set when the agent is made.")
    version_description: str | None = Field(None, description="Note on the new version.")
    conversation_config: ConversationConfig | None = None
    platform_settings: PlatformSettings | None = None
    workflow: dict[str, Any] | None = None
    coaching_settings: dict[str, Any] | None = None

    def told(self) -> dict[str, Any]:
        """Return what the client said, and nothing else."""
        return self.model_dump(exclude_unset=True)


class Metadata(BaseModel):
    created_at_unix_secs: int
    updated_at_unix_secs: int


class AgentReply(AgentBody):
    """An agent: flat and nested, with dates and version."""

    model_config = ConfigDict(extra="allow", json_schema_extra={})

    agent_id: str
    created_at: str = Field(description="ISO 8601.")
    updated_at: str
    version: int
    version_id: str
    metadata: Metadata
    phone_numbers: list[dict[str, Any]]
    warnings: list[str] = Field(description="Variables that nothing gives a value.")


class AgentSummary(BaseModel):
    agent_id: str
    name: str
    voice_id: str
    model_name: str
    tags: list[str]
    is_active: bool
    archived: bool
    version: int
    created_at: str
    updated_at: str
    created_at_unix_secs: int
    updated_at_unix_secs: int
    last_call_time_unix_secs: int | None = None
    access_info: dict[str, Any]


class AgentPage(BaseModel):
    agents: list[AgentSummary]
    next_cursor: str | None = None
    has_more: bool
    total: int = Field(description="How many there are in all pages.")


class AgentId(BaseModel):
    agent_id: str


class AgentLink(BaseModel):
    agent_id: str
    url: str = Field(description="Page from which one can talk to the agent.")
    token: None = None


class VersionReply(BaseModel):
    version: int
    version_id: str
    is_current: bool
    author: str
    note: str
    created_at: str
    created_at_unix_secs: int


class VersionList(BaseModel):
    agent_id: str
    versions: list[VersionReply] = Field(description="Newest first.")


class FieldDiff(BaseModel):
    field: str = Field(description="Flat name of the field.")
    old: Any
    new: Any
    lines: list[str] = Field(description="A unified diff, without headers.")


class VersionDiff(BaseModel):
    agent_id: str
    old: int
    new: int
    changes: list[FieldDiff]


class Done(BaseModel):
    success: bool = True
    message: str
