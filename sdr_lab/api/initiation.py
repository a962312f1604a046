"""What a client gives with a call: variables, and what it changes of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sdr_lab.agents.overrides import Overrides
from sdr_lab.errors import BadInput

Scalar = str | int | float | bool | None


class _Loose(BaseModel):
    """Fields that we do not use are taken and left."""

    model_config = ConfigDict(extra="ignore")


class PromptOverride(_Loose):
    prompt: str | None = None
    llm: str | None = Field(default=None, description="Model of the agent's LLM provider.")


class AgentOverride(_Loose):
    prompt: PromptOverride | None = None
    first_message: str | None = None
    language: str | None = None


class VoiceOverride(_Loose):
    voice_id: str | None = None


class ConfigOverride(_Loose):
    agent: AgentOverride | None = None
    tts: VoiceOverride | None = None


class InitiationData(_Loose):
    """`conversation_initiation_client_data` of the official SDK."""

    dynamic_variables: dict[str, Scalar] = Field(
        default_factory=dict,
        max_length=200,
        description="Values of `{{variables}}` in the agent's texts.",
        examples=[{"lead_name": "Dana"}],
    )
    conversation_config_override: ConfigOverride | None = Field(
        default=None, examples=[{"agent": {"first_message": "Hi {{lead_name}}, this is Joe."}}]
    )
    user_id: str | None = Field(default=None, max_length=255)

    @property
    def variables(self) -> dict[str, str]:
        """The variables as text, without those that are null."""
        return variables_of(self.dynamic_variables)

    def overrides(self) -> Overrides:
        """Return what is changed of the agent.

        Raises:
            BadInput: a value is not allowed.
        """
        config = self.conversation_config_override or ConfigOverride.model_validate({})
        agent = config.agent or AgentOverride.model_validate({})
        prompt = agent.prompt or PromptOverride.model_validate({})
        voice = config.tts or VoiceOverride.model_validate({})
        return Overrides.of(
            {
                "prompt": prompt.prompt,
                "model": prompt.llm,
                "first_message": agent.first_message,
                "language": agent.language,
                "voice": voice.voice_id,
            }
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What is changed, by the names that `platform_settings.overrides` allows."""
        return tuple(self.overrides().to_dict())


MAX_VARIABLE_CHARS = 2000


def variables_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return variables as text, without those that are null.

    Raises:
        BadInput: one is too long.
    """
    variables = {}
    for name, value in given.items():
        if value is None:
            continue
        text = _whole(str(value).lower() if isinstance(value, bool) else str(value))
        if len(text) > MAX_VARIABLE_CHARS:
            allowed = f"allowed: {MAX_VARIABLE_CHARS}"
            told = f"variable {name[:40]!r} has {len(text)} characters, {allowed}"
            raise BadInput(told, "dynamic_variables")
        variables[_whole(name)] = text
    return variables


def _whole(text: str) -> str:
    """JSON can smuggle in half characters that no file and no database takes."""
    return text.encode("utf-8", "replace").decode()
