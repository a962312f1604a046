"""The official SDK against a real server on loopback: agents and phone numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.errors import UnprocessableEntityError
from elevenlabs.types import (
    AgentConfig,
    AgentPlatformSettingsRequestModel,
    AnalysisProperty,
    AsrConversationalConfig,
    BuiltInToolsOutput,
    ConversationalConfig,
    ConversationConfigOutput,
    EvaluationSettingsInput,
    PromptAgentApiModelOutput,
    PromptEvaluationCriteria,
    SystemToolConfigOutput,
    SystemToolConfigOutputParams_EndCall,
    TtsConversationalConfigOutput,
    TurnConfig,
)
from pydantic import BaseModel

from sdr_lab.api.serve import listen, server_for
from sdr_lab.config import Settings

SETTINGS = {
    "STT_PROVIDER": "whisper",
    "LLM_PROVIDER": "playbook",
    "TTS_PROVIDER": "tone",
    "EMBED_MODEL": "hash",
    "API_KEYS": "sdk-key",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("sdk")
    settings = Settings.load(None, {**SETTINGS, "SDR_LAB_HOME": home, "PORT": 1}, environ={})
    with listen(settings.model_copy(update={"port": 0})) as taken:  # 0: any free one
        server = server_for(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def sdk(address: str) -> ElevenLabs:
    return ElevenLabs(base_url=address, api_key="sdk-key", timeout=30)


CONFIG = ConversationalConfig(
    agent=AgentConfig(
        first_message="Hi, this is Joe.",
        language="en",
        prompt=PromptAgentApiModelOutput(
            prompt="You sell dispatch software.",
            llm="gpt-4o-mini",
            temperature=0.3,
            built_in_tools=BuiltInToolsOutput(
                end_call=SystemToolConfigOutput(
                    name="end_call",
                    description="Be polite.",
                    params=SystemToolConfigOutputParams_EndCall(),
                )
            ),
        ),
    ),
    asr=AsrConversationalConfig(keywords=["Maplewood"]),
    tts=TtsConversationalConfigOutput(voice_id="aura-2-thalia-en", stability=0.4, speed=1.1),
    turn=TurnConfig(turn_timeout=7),
    conversation=ConversationConfigOutput(max_duration_seconds=300),
)
PLATFORM = AgentPlatformSettingsRequestModel(
    evaluation=EvaluationSettingsInput(
        criteria=[
            PromptEvaluationCriteria(
                id="booked", name="Demo booked", conversation_goal_prompt="A time was agreed on."
            )
        ]
    ),
    data_collection={"company": AnalysisProperty(type="string", description="Where they work.")},
)


def plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(exclude_none=True)


def test_an_agent_from_end_to_end(sdk: ElevenLabs):
    agents = sdk.conversational_ai.agents
    made = agents.create(
        name="SDK agent", conversation_config=CONFIG, platform_settings=PLATFORM, tags=["sdk"]
    )

    agent = plain(agents.get(made.agent_id))

    config, platform = agent["conversation_config"], agent["platform_settings"]
    assert (agent["name"], agent["tags"]) == ("SDK agent", ["sdk"])
    assert config["agent"]["first_message"] == "Hi, this is Joe."
    prompt = config["agent"]["prompt"]
    assert prompt["prompt"] == "You sell dispatch software."
    assert (prompt["llm"], prompt["temperature"]) == ("gpt-4o-mini", 0.3)
    assert prompt["built_in_tools"]["end_call"]["description"] == "Be polite."
    assert config["tts"] == {"voice_id": "aura-2-thalia-en", "stability": 0.4, "speed": 1.1}
    assert config["asr"] == {"keywords": ["Maplewood"]}
    assert config["turn"] == {"turn_timeout": 7}
    assert config["conversation"] == {"max_duration_seconds": 300}
    assert platform["evaluation"]["criteria"][0]["name"] == "Demo booked"
    assert platform["data_collection"]["company"]["type"] == "string"
    assert agent["metadata"]["created_at_unix_secs"] > 1_700_000_000


def test_a_part_of_an_agent_is_changed(sdk: ElevenLabs):
    agents = sdk.conversational_ai.agents
    made = agents.create(name="Before", conversation_config=CONFIG, platform_settings=PLATFORM)
    change = ConversationalConfig(agent=AgentConfig(first_message="Good day."))

    changed = agents.update(
        made.agent_id, name="After", conversation_config=change, version_description="politer"
    )

    config = plain(changed)["conversation_config"]
    before = plain(agents.get(made.agent_id, version_id="1"))["conversation_config"]
    assert (changed.name, changed.version_id) == ("After", "2")
    assert config["agent"]["first_message"] == "Good day."
    assert config["agent"]["prompt"]["prompt"] == "You sell dispatch software."
    assert config["tts"]["stability"] == 0.4
    assert before["agent"]["first_message"] == "Hi, this is Joe."


def test_what_was_got_can_be_sent_back(sdk: ElevenLabs):
    agents = sdk.conversational_ai.agents
    made = agents.create(name="Same", conversation_config=CONFIG, platform_settings=PLATFORM)
    agent = agents.get(made.agent_id)

    same = agents.update(
        made.agent_id,
        name=agent.name,
        tags=agent.tags,
        conversation_config=agent.conversation_config,
        platform_settings=agent.platform_settings,  # pyright: ignore[reportArgumentType]
    )

    assert plain(same) == plain(agent)


def test_agents_are_listed_copied_and_deleted(sdk: ElevenLabs):
    agents = sdk.conversational_ai.agents
    made = [
        agents.create(name=f"Listed {n}", conversation_config=CONFIG, tags=["list"]).agent_id
        for n in range(5)
    ]

    found, cursor = [], None
    while True:
        page = agents.list(
            page_size=2, tags=["list", "none"], sort_by="created_at", sort_direction="desc",
            cursor=cursor,
        )  # fmt: skip
        found += [agent.agent_id for agent in page.agents]
        cursor = page.next_cursor
        if not page.has_more:
            break
    copy = agents.duplicate(made[0], name="Copy")
    agents.delete(made[0])

    assert found == made[::-1]
    assert agents.get(copy.agent_id).name == "Copy"
    assert agents.link.get(made[1]).agent_id == made[1]
    assert made[0] in [agent.agent_id for agent in agents.list(archived=True).agents]
    with pytest.raises(ApiError) as gone:
        agents.get(made[0])
    assert gone.value.status_code == 404


def test_errors_are_those_the_sdk_knows(sdk: ElevenLabs, address: str):
    agents = sdk.conversational_ai.agents
    wrong = ConversationalConfig(agent=AgentConfig(language="fr"))

    with pytest.raises(UnprocessableEntityError) as refused:
        agents.create(name="x", conversation_config=wrong)
    with pytest.raises(ApiError) as unknown:
        agents.get("nobody")
    with pytest.raises(ApiError) as stranger:
        ElevenLabs(base_url=address, api_key="x").conversational_ai.agents.list()

    place = refused.value.body["detail"][0]["loc"]
    assert place == ["body", "conversation_config", "agent", "language"]
    assert unknown.value.body["detail"]["status"] == "not_found"
    assert stranger.value.status_code == 401


def test_a_phone_number_from_end_to_end(sdk: ElevenLabs):
    numbers = sdk.conversational_ai.phone_numbers
    agent_id = sdk.conversational_ai.agents.create(
        name="Answers", conversation_config=CONFIG
    ).agent_id

    made = numbers.create(
        request={
            "provider": "twilio",
            "phone_number": "+13125550123",
            "label": "Main",
            "sid": "AC" + "0" * 32,
            "token": "t",
        }  # pyright: ignore[reportArgumentType]
    )
    numbers.update(made.phone_number_id, agent_id=agent_id)
    number = plain(numbers.get(made.phone_number_id))
    listed = numbers.list()
    owner = plain(sdk.conversational_ai.agents.get(agent_id))

    assert (number["phone_number"], number["label"]) == ("+13125550123", "Main")
    assert number["assigned_agent"] == {"agent_id": agent_id, "agent_name": "Answers"}
    assert [n.phone_number_id for n in listed] == [made.phone_number_id]
    assert [n["phone_number"] for n in owner["phone_numbers"]] == ["+13125550123"]
    numbers.delete(made.phone_number_id)
    assert numbers.list() == []
