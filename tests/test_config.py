from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import sdr_lab
from sdr_lab.config import Settings, call_settings, did_you_mean
from sdr_lab.errors import BadInput, SettingError
from sdr_lab.own_class import OWN_CLASS
from sdr_lab.providers import LLM, STT, TTS
from sdr_lab.records import Agent, CallSettings, EndpointSettings, InterruptSettings
from sdr_lab.turns.detectors.table import DETECTORS

PACKAGE = Path(sdr_lab.__file__).parent


def load(environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    return Settings.load(None, overrides, environ=environ or {})


def from_file(path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path.write_text(text, encoding="utf-8")
    return Settings.load(path, environ=environ or {})


def agent(**changes: object) -> Agent:
    fixed = {"id": "sam", "name": "Sam", "version": 1, "system_prompt": "", "first_message": ""}
    return Agent(**{**fixed, **changes})  # type: ignore[arg-type]


def test_an_empty_machine_gets_the_defaults_of_the_records():
    assert call_settings(load(), agent()) == CallSettings()


def test_later_sources_win_and_are_named(tmp_path: Path):
    path = tmp_path / "lab.env"
    path.write_text("TOP_K=4\nCHUNK_SIZE=100\nPORT=9100\n")

    settings = Settings.load(
        path, {"port": 9300, "top_k": None}, environ={"CHUNK_SIZE": "120", "PORT": "9200"}
    )

    values = {n: (getattr(settings, n.lower()), settings.source(n)) for n in settings.names()}
    assert values["TOP_K"] == (4, ".env")
    assert values["CHUNK_SIZE"] == (120, "environment")
    assert values["PORT"] == (9300, "command line")
    assert values["MAX_SENTENCES"] == (10, "default")


def test_an_empty_value_means_not_set(tmp_path: Path):
    settings = from_file(tmp_path / "x.env", "DEEPGRAM_API_KEY=\nTOP_K=\n")

    assert settings.top_k == 3
    assert settings.source("TOP_K") == "default"
    assert settings.secret("DEEPGRAM_API_KEY") == ""


def test_env_file_values_are_taken_literally(tmp_path: Path):
    text = "# comment\nexport OLLAMA_MODEL='qwen ${HOME} #1'\nDEEPGRAM_VOICE=aura  # inline\n"
    settings = from_file(tmp_path / "x.env", text)

    assert settings.ollama_model == "qwen ${HOME} #1"
    assert settings.deepgram_voice == "aura"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("CHUNK_SIZE", "9", "a whole number from 32 to 2048"),
        ("CHUNK_SIZE", "many", "a whole number from 32 to 2048"),
        ("TOP_K", "2.5", "a whole number from 1 to 20"),
        ("SILENCE_THRESHOLD_SEC", "nan", "a number from 0.1 to 10"),
        ("INTERRUPT_BASELINE_FACTOR", "inf", "a number from 1 to 100"),
        ("INTERRUPT_MIN_ENERGY", "40000", "a whole number from 0 to 32124"),
        ("INTERRUPT_ENABLED", "perhaps", "true or false"),
        ("ENDPOINT_MODE", "clever", "smart or fixed"),
        ("ENDPOINT_COMPLETE_FACTOR", "0", "a number above 0, up to 1"),
        ("STT_PROVIDER", "vosk", "auto, deepgram, deepgram_flux, whisper or package.module:Class"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("PUBLIC_URL", "example.com/path", "http(s)://host[:port], or empty"),
        ("DATABASE_URL", "mysql://x", "sqlite:///"),
        ("TWILIO_PHONE_NUMBER", "555 1234", "E.164"),
        ("TWILIO_ACCOUNT_SID", "ACxxx", "AC and 32 hexadecimal digits"),
        ("PORT", "70000", "a whole number from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_refused_with_name_value_and_what_is_allowed(
    name: str, value: str, allowed: str
):
    with pytest.raises(SettingError) as refused:
        load({name: value})

    assert str(refused.value).startswith(f"setting {name}: got {value!r}, allowed: ")
    assert allowed in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["top_k", "silence_threshold_sec", "ollama_model"])
def test_a_truth_value_is_no_number_and_no_text(name: str):
    with pytest.raises(SettingError, match=f"{name.upper()}: got True"):
        Settings.load(None, {name: True}, environ={})


def test_unknown_names_in_the_file_are_refused_with_the_nearest_name(tmp_path: Path):
    with pytest.raises(SettingError, match=r"CHUNKSIZE: got '5'.*\.env.*did you mean CHUNK_SIZE"):
        from_file(tmp_path / "x.env", "CHUNKSIZE=5\n")


def test_a_misspelled_secret_is_not_printed(tmp_path: Path):
    with pytest.raises(SettingError) as refused:
        from_file(tmp_path / "x.env", "DEEPGRAM_APIKEY=dg-123\n")

    assert "dg-123" not in str(refused.value)
    assert "DEEPGRAM_API_KEY" in str(refused.value)


def test_the_environment_may_hold_what_is_not_ours_but_no_misspelling_of_ours():
    load({"PATH": "/bin", "OLLAMA_KEEP_ALIVE": "5m", "SDR_LAB_TEST_DATABASE": "x"})

    with pytest.raises(SettingError, match="did you mean INTERRUPT_MIN_ENERGY"):
        load({"INTERRUPT_MIN_ENRGY": "5"})


@pytest.mark.parametrize("text", ["TOP_K\n", "TOP K=3\n", "TOP_K='3\n"])
def test_a_line_that_is_no_setting_is_refused_with_its_number(tmp_path: Path, text: str):
    with pytest.raises(BadInput, match=r"x\.env, line 2: .* is not NAME=value"):
        from_file(tmp_path / "x.env", "# a comment\n" + text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    (tmp_path / "binary.env").write_bytes(b"TOP_K=\xff\xfe")

    for path in (tmp_path / "absent.env", tmp_path, tmp_path / "binary.env"):
        with pytest.raises(BadInput, match="can't be read"):
            Settings.load(path, environ={})


def test_names_of_the_seed_are_understood():
    settings = load({"AGENT_DATABASE_URL": "sqlite:///agents.db", "CHROMA_PATH": "./chroma_db"})

    assert settings.database_url == "sqlite:///agents.db"
    assert settings.source("DATABASE_URL") == "environment"
    assert "CHROMA_PATH is ignored" in settings.notices[0]


def test_two_names_for_one_setting_must_agree():
    with pytest.raises(SettingError, match="AGENT_DATABASE_URL is the same setting"):
        load({"AGENT_DATABASE_URL": "sqlite:///a.db", "DATABASE_URL": "sqlite:///b.db"})


def test_secrets_are_never_shown():
    key = "a-very-secret-value-of-more-than-32-characters"
    settings = load(
        {
            "JWT_SECRET": key,
            "API_KEYS": f"{key}, two",
            "DATABASE_URL": f"postgresql://me:{key}@db/x",
        }
    )

    shown = repr(settings) + str(settings)
    shown += "".join(settings.masked(name) for name in settings.names())
    assert key not in shown
    assert settings.masked("JWT_SECRET") == "********"
    assert settings.masked("DATABASE_URL") == "postgresql://me:********@db/x"
    assert settings.secret("JWT_SECRET") == key
    assert settings.accepted_keys() == (key, "two")
    with pytest.raises(SettingError) as refused:
        load({"JWT_SECRET": "short-secret"})
    assert "short-secret" not in str(refused.value)


def test_settings_are_frozen_and_copies_are_checked():
    settings = load({"TOP_K": "5"})

    with pytest.raises(ValueError, match="frozen"):
        settings.top_k = 4
    changed = settings.changed("command line", port=9100)
    assert (changed.top_k, changed.port) == (5, 9100)
    assert (changed.source("TOP_K"), changed.source("PORT")) == ("environment", "command line")
    with pytest.raises(SettingError, match="PORT: got 0"):
        settings.changed("command line", port=0)


def test_lists_and_paths():
    settings = load({"AUDIO_FILTERS": "high_pass, noise_gate", "SDR_LAB_HOME": "~/lab"})

    assert settings.audio_filters == ("high_pass", "noise_gate")
    assert settings.sdr_lab_home == Path.home() / "lab"


def test_an_agent_overrides_what_it_names():
    settings = load({"INTERRUPT_MIN_ENERGY": "900", "SILENCE_THRESHOLD_SEC": "1.2"})
    sam = agent(silence_threshold_s=0.5, interrupt={"debounce_ms": 200, "enabled": False})

    made = call_settings(settings, sam)

    assert made.endpoint == EndpointSettings(silence_ms=500)
    assert made.interrupt == InterruptSettings(enabled=False, min_energy=900, debounce_ms=200)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"interrupt": {"min_enrgy": 5}},
            r"interrupt\.min_enrgy of agent 'sam': got 5, .*min_energy",
        ),
        ({"interrupt": {"min_energy": -1}}, "INTERRUPT_MIN_ENERGY of agent 'sam': got -1"),
        ({"interrupt": {"enabled": "maybe"}}, "INTERRUPT_ENABLED of agent 'sam': got 'maybe'"),
        ({"silence_threshold_s": 99}, "SILENCE_THRESHOLD_SEC of agent 'sam': got 99"),
    ],
)
def test_a_wrong_override_of_an_agent_is_refused(changes: dict[str, object], message: str):
    with pytest.raises(SettingError, match=message):
        call_settings(load(), agent(**changes))


def test_every_setting_is_described():
    for name in Settings.names():
        info = Settings.describe(name)
        assert info.meaning.endswith("."), name
        assert info.allowed, name
        assert info.group, name


def test_every_setting_is_read_somewhere():
    code = "".join(
        path.read_text("utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.name != "settings_table.py"
    )
    fields = {f"interrupt_{field.name}" for field in dataclasses.fields(InterruptSettings)}

    unread = [
        name
        for name in Settings.names()
        if not re.search(rf"\.{name.lower()}\b|\.secret\(\"{name}\"\)", code)
        and name.lower() not in fields
    ]
    assert not unread


def test_providers_that_may_be_set_are_those_of_the_table():
    for table, name in ((STT, "STT_PROVIDER"), (LLM, "LLM_PROVIDER"), (TTS, "TTS_PROVIDER")):
        allowed = Settings.describe(name).allowed.replace(" or ", ", ").split(", ")
        assert set(allowed) == {"auto", OWN_CLASS, *table}


def test_a_provider_may_be_a_class_of_ones_own():
    assert load({"LLM_PROVIDER": "my_shop.brain:Brain"}).llm_provider == "my_shop.brain:Brain"
    for wrong in ("brain:", ":Brain", "my brain:Brain", "my_shop.brain.Brain", "a:B:C", "1a:B"):
        with pytest.raises(SettingError, match="LLM_PROVIDER"):
            load({"LLM_PROVIDER": wrong})


def test_nearest_name():
    assert did_you_mean("piper_vioce", ["PIPER_VOICE", "PORT"]) == "; did you mean PIPER_VOICE?"
    assert did_you_mean("zzz", ["PIPER_VOICE"]) == ""


# ---- interruption


def test_detectors_that_may_be_set_are_those_of_the_table():
    allowed = Settings.describe("INTERRUPT_DETECTOR").allowed.replace(" or ", ", ").split(", ")
    assert set(allowed) == {OWN_CLASS, *DETECTORS}
    own = load({"INTERRUPT_DETECTOR": "my_shop.ears:Ears"})
    assert call_settings(own, agent()).interrupt.detector == "my_shop.ears:Ears"
    with pytest.raises(SettingError, match=r"INTERRUPT_DETECTOR: got 'enrgy', allowed: hybrid,"):
        load({"INTERRUPT_DETECTOR": "enrgy"})


def test_word_lists_are_lists_none_or_those_of_the_language():
    assert load().interrupt_stop_words is None
    assert load({"INTERRUPT_STOP_WORDS": "hold on, enough"}).interrupt_stop_words == (
        "hold on",
        "enough",
    )
    assert load({"INTERRUPT_STOP_WORDS": "none"}).interrupt_stop_words == ()
    own = agent(interrupt={"acknowledgements": ["right on"]})
    assert call_settings(load(), own).interrupt.acknowledgements == ("right on",)


def test_overrides_of_a_phase_are_read_and_merged():
    settings = load(
        {
            "INTERRUPT_GREETING": "enabled=false, stop_score=0.7",
            "INTERRUPT_THINKING": "min_speech_ms=300",
        }
    )
    assert settings.interrupt_greeting == {"enabled": False, "stop_score": 0.7}
    assert settings.masked("INTERRUPT_GREETING") == "enabled=false,stop_score=0.7"
    made = call_settings(settings, agent(interrupt={"greeting": {"enabled": True}})).interrupt
    assert made.greeting == {"enabled": True, "stop_score": 0.7}
    assert made.thinking == {"min_speech_ms": 300}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GREETING", "enabld=false", r"GREETING: enabld: got 'false', .*did you mean enabled"),
        ("GREETING", "stop_score=2", r"GREETING: stop_score: got '2', allowed: a number from 0 to"),
        ("GREETING", "detector=energy", r"GREETING: detector: got 'energy', allowed: one of ena"),
        ("GREETING", "enabled", r"GREETING: got 'enabled', allowed: name=value"),
        ("THINKING", "hold=false", r"THINKING: hold: .*allowed: one of enabled, min_speech_ms"),
    ],
)
def test_a_wrong_override_of_a_phase_is_refused(name: str, value: str, message: str):
    with pytest.raises(SettingError, match=message):
        load({f"INTERRUPT_{name}": value})
    with pytest.raises(SettingError, match=r"of agent 'sam'"):
        call_settings(load(), agent(interrupt={name.lower(): value}))
