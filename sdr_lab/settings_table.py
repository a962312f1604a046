"""The table of settings: name, type, range, default, group and meaning. Reads nothing by itself.

The name of a setting is the attribute in capitals: `settings.chunk_size` is CHUNK_SIZE.
README.md and .env.example are generated from this file (`make docs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from sdr_lab.setting_types import E164, Level, LongSecret, Names, OwnClass, Phrases, UserPath

WORKSPACE = "Workspace and server"
PROVIDERS = "Providers"
KNOWLEDGE = "Knowledge"
TURNS = "Turn taking"
INTERRUPT = "Interruption"
CALL = "Call"
TELEPHONE = "Telephone"
LOGS = "Logs"


def _setting(default: Any, group: str, meaning: str, allowed: str = "", **limits: Any) -> Any:
    """Make a field; `limits` are pydantic's (ge, le, pattern…)."""
    extra: dict[str, Any] = {"group": group, "allowed": allowed}
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


class SettingsTable(BaseModel):
    """Every setting with its default. `Settings` in config.py adds where values come from."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, validate_default=True
    )

    # ---- workspace and server
    sdr_lab_home: UserPath = _setting(
        Path("data"), WORKSPACE, "Folder for calls, database, knowledge and caches."
    )
    sdr_lab_datasets: UserPath | None = _setting(
        None,
        WORKSPACE,
        "Folder of the shipped agents, knowledge and callers; empty: the checkout's.",
    )
    database_url: str = _setting(  # may hold a password: no repr
        "",
        WORKSPACE,
        "Database of agents and calls; empty: SQLite in SDR_LAB_HOME. Alias: AGENT_DATABASE_URL.",
        "sqlite:///… or postgresql://… (also with +driver), or empty",
        pattern=r"^((sqlite|postgresql|postgres)(\+\w+)?://.*)?$",
        repr=False,
    )
    sdr_lab_host: str = _setting(
        "127.0.0.1",
        WORKSPACE,
        "Address the server listens on; without API_KEYS loopback only.",
    )
    port: int = _setting(9001, WORKSPACE, "Port of the server.", ge=1, le=65535)
    public_url: str = _setting(
        "",
        WORKSPACE,
        "Address under which the phone network reaches the server.",
        "http(s)://host[:port], or empty",
        pattern=r"^(https?://[^\s/]+/?)?$",
    )
    api_keys: SecretStr = _setting(
        SecretStr(""), WORKSPACE, "Accepted `xi-api-key` values, separated by commas."
    )
    jwt_secret: LongSecret = _setting(
        SecretStr(""),
        WORKSPACE,
        "Key that signs browser-phone links; empty: a new one per start.",
        "32 characters or more, or empty",
    )

    cors_origins: Names = _setting(
        (),
        WORKSPACE,
        "Web pages of other origins that may use the API, such as https://app.example.",
    )
    rate_limit_per_minute: int = _setting(
        600, WORKSPACE, "Requests per key (or address) and minute; 0: no limit.", ge=0, le=1_000_000
    )
    max_calls: int = _setting(100, WORKSPACE, "Calls at a time; more are refused.", ge=1, le=10_000)
    shutdown_grace_s: float = _setting(
        30, WORKSPACE, "Calls that run when the server stops may go on for so long.", ge=0, le=3600
    )
    idempotency_hours: int = _setting(
        24, WORKSPACE, "How long an Idempotency-Key is remembered.", ge=1, le=720
    )
    insecure_private_webhooks: bool = _setting(
        False,
        WORKSPACE,
        "Development only: webhooks and tools may call http and private addresses.",
    )

    # ---- providers
    stt_provider: Literal["auto", "deepgram", "deepgram_flux", "whisper"] | OwnClass = _setting(
        "auto",
        PROVIDERS,
        "Speech to text. `auto`: Deepgram when DEEPGRAM_API_KEY is set, else Whisper.",
    )
    llm_provider: Literal["auto", "ollama", "llama_cpp", "playbook"] | OwnClass = _setting(
        "auto",
        PROVIDERS,
        "Language model. `auto`: Ollama when its server answers, else `playbook`.",
    )
    tts_provider: Literal["auto", "deepgram", "piper", "tone"] | OwnClass = _setting(
        "auto",
        PROVIDERS,
        "Text to speech. `auto`: Deepgram when DEEPGRAM_API_KEY is set, else Piper.",
    )
    whisper_model_path: UserPath | None = _setting(
        None, PROVIDERS, "Folder of a CTranslate2 Whisper model; empty: the installed package's."
    )
    whisper_threads: int = _setting(2, PROVIDERS, "Threads of one transcription.", ge=1, le=64)
    ollama_host: str = _setting(
        "http://127.0.0.1:11434",
        PROVIDERS,
        "Address of the Ollama server.",
        "host, host:port or http(s)://host[:port]",
        pattern=r"^(https?://)?[^\s/]+/?$",
    )
    ollama_model: str = _setting("llama3:8b-instruct-q4_K_S", PROVIDERS, "Model asked of Ollama.")
    llm_max_tokens: int = _setting(
        512, PROVIDERS, "Longest reply of a language model (Ollama's num_predict).", ge=16, le=4096
    )
    llama_model_path: UserPath | None = _setting(
        None, PROVIDERS, "GGUF file for `llama_cpp`; empty: the installed package's."
    )
    piper_voice: UserPath | None = _setting(
        None, PROVIDERS, "Piper voice (.onnx with .onnx.json beside it); empty: the package's."
    )
    piper_deterministic: bool = _setting(
        False, PROVIDERS, "Speak the same sentence the same way every time."
    )
    response_cache: bool = _setting(
        True, PROVIDERS, "Reuse answers to recurring questions of one agent and knowledge version."
    )
    tts_cache_mb: int = _setting(
        64, PROVIDERS, "Disk for spoken lines that recur; 0: none.", ge=0, le=10_000
    )
    deepgram_api_key: SecretStr = _setting(SecretStr(""), PROVIDERS, "Key of Deepgram.")
    deepgram_url: str = _setting(
        "",
        PROVIDERS,
        "Address of Deepgram; empty: the public one. For self-hosting and offline tests.",
        "http(s)://host[:port], or empty",
        pattern=r"^(https?://[^\s/]+/?)?$",
    )
    deepgram_endpointing_ms: int = _setting(
        300, PROVIDERS, "Pause after which Deepgram finalises (ms).", ge=10, le=5000
    )
    deepgram_flux_model: str = _setting(
        "flux-general-en", PROVIDERS, "Model of the provider `deepgram_flux`."
    )
    deepgram_eot_threshold: float = _setting(
        0.7, PROVIDERS, "Flux: certainty that ends a turn.", ge=0.5, le=1
    )
    deepgram_eager_eot_threshold: float = _setting(
        0.4, PROVIDERS, "Flux: certainty that begins a reply early; 0: never.", ge=0, le=0.9
    )
    deepgram_eot_timeout_ms: int = _setting(
        5000, PROVIDERS, "Flux: silence that ends a turn anyhow (ms).", ge=500, le=60_000
    )
    deepgram_tts_encoding: Literal["linear16", "mulaw"] = _setting(
        "mulaw", PROVIDERS, "What Deepgram's voice sends: 16 kHz samples, or the phone's own 8 kHz."
    )
    deepgram_voice: str = _setting("aura-2-thalia-en", PROVIDERS, "Deepgram's voice.")
    deepgram_stt_model: str = _setting("nova-2", PROVIDERS, "Deepgram's speech model.")

    # ---- knowledge
    embed_model: str = _setting(
        "sentence-transformers/all-MiniLM-L6-v2",
        KNOWLEDGE,
        "This one, `hash` (a double for tests), or a folder (extra `torch`).",
    )
    data_file: UserPath | None = _setting(
        None, KNOWLEDGE, "File or folder that `sdr-lab ingest` reads when no path is given."
    )
    chunk_size: int = _setting(
        200, KNOWLEDGE, "Tokens per passage; MiniLM cuts silently above 256.", ge=32, le=2048
    )
    max_document_mb: float = _setting(
        10, KNOWLEDGE, "Largest document (MB); 10 MB of text take 5 minutes.", ge=0.1, le=1000
    )
    top_k: int = _setting(3, KNOWLEDGE, "Passages looked up per question.", ge=1, le=20)

    # ---- turn taking
    silence_threshold_sec: float = _setting(
        0.8, TURNS, "Pause that ends the caller's turn (seconds).", ge=0.1, le=10
    )
    endpoint_mode: Literal["smart", "fixed"] = _setting(
        "smart", TURNS, "`smart` also weighs what was said, `fixed` the pause alone."
    )
    endpoint_complete_factor: float = _setting(
        0.6, TURNS, "Share of the pause that ends a finished sentence.", gt=0, le=1
    )
    endpoint_trailing_factor: float = _setting(
        1.6, TURNS, "Share of the pause after a trailing `and…` or within a number.", ge=1, le=5
    )
    endpoint_min_ms: int = _setting(
        300, TURNS, "`smart` never ends a turn sooner (ms).", ge=60, le=5000
    )
    endpoint_stopped_ms: int = _setting(
        160, TURNS, "Silence that starts the transcription (ms).", ge=40, le=2000
    )
    endpoint_transcript_wait_ms: int = _setting(
        3000, TURNS, "Longest wait for a late transcript (ms).", ge=100, le=30_000
    )
    enable_interim_processing: bool = _setting(
        True, TURNS, "Prepare the reply in the pause before the turn is over."
    )
    interim_min_length: int = _setting(
        4, TURNS, "Characters of interim text worth preparing for.", ge=1, le=200
    )
    utterance_end_ms: int = _setting(
        1000,
        TURNS,
        "Deepgram's own end-of-speech gap (ms).",
        ge=1000,
        le=5000,
    )

    # ---- interruption
    interrupt_enabled: bool = _setting(True, INTERRUPT, "The caller may cut in.")
    interrupt_detector: (
        Literal["hybrid", "energy", "echo_gate", "webrtc", "silero", "pysilero", "ten"] | OwnClass
    ) = _setting("hybrid", INTERRUPT, "How cutting in is detected.")
    interrupt_min_energy: int = _setting(
        800, INTERRUPT, "Lowest RMS of a 20 ms frame that counts (int16 units).", ge=0, le=32_124
    )
    interrupt_baseline_factor: float = _setting(
        2.8, INTERRUPT, "Threshold over the running noise level.", ge=1, le=100
    )
    interrupt_min_speech_ms: int = _setting(
        100, INTERRUPT, "Sustained energy needed (ms).", ge=20, le=5000
    )
    interrupt_debounce_ms: int = _setting(
        400, INTERRUPT, "Shortest time between two interruptions (ms).", ge=0, le=10_000
    )
    interrupt_require_text: bool = _setting(
        False, INTERRUPT, "Also wait for a word from the transcriber."
    )
    interrupt_use_vad: bool = _setting(False, INTERRUPT, "Also ask the voice detector.")
    interrupt_by_signal: bool = _setting(
        False, INTERRUPT, "A transcriber that judges turns itself (Flux) may stop the agent."
    )
    interrupt_hold: bool = _setting(
        True, INTERRUPT, "Fall silent early, and go on when it was nothing."
    )
    interrupt_hold_ms: int = _setting(
        800, INTERRUPT, "How long a hold waits for a stop (ms).", ge=100, le=5000
    )
    interrupt_hold_score: float | None = _setting(
        None, INTERRUPT, "`hybrid`, VADs: score that holds; empty: the detector's own.", ge=0, le=1
    )
    interrupt_stop_score: float | None = _setting(
        None, INTERRUPT, "`hybrid`, VADs: score that stops; empty: the detector's own.", ge=0, le=1
    )
    interrupt_hold_activity_ms: int = _setting(
        120, INTERRUPT, "`echo_gate`, VADs: activity that holds (ms).", ge=20, le=5000
    )
    interrupt_activity_ms: int = _setting(
        300, INTERRUPT, "`echo_gate`, VADs: activity that stops (ms).", ge=20, le=5000
    )
    interrupt_noise_margin_db: float = _setting(
        9, INTERRUPT, "`echo_gate`: level needed over the line's noise (dB).", ge=0, le=60
    )
    interrupt_echo_margin_db: float = _setting(
        6, INTERRUPT, "`echo_gate`: level needed over the predicted echo (dB).", ge=0, le=60
    )
    interrupt_acknowledgements: Phrases = _setting(
        None,
        INTERRUPT,
        "What a listener says without wanting the floor; empty: the list of the language.",
        "phrases separated by commas, or `none`",
    )
    interrupt_stop_words: Phrases = _setting(
        None,
        INTERRUPT,
        "What stops the agent as soon as it is transcribed; empty: the list of the language.",
        "phrases separated by commas, or `none`",
    )
    interrupt_greeting: Mapping[str, Any] = _setting(
        {},
        INTERRUPT,
        "Other values while the first message is spoken: `enabled=false,stop_score=0.7`.",
        "name=value,… of this group, without INTERRUPT_",
    )
    interrupt_thinking: Mapping[str, Any] = _setting(
        {},
        INTERRUPT,
        "When the caller's words withdraw a reply in preparation: `min_speech_ms=100`.",
        "enabled=…, min_speech_ms=…",
    )

    # ---- call
    audio_filters: Names = _setting(
        (),
        CALL,
        "Filters on the caller's audio before STT: `highpass_gate` or your package.module:Class.",
    )
    play_ahead_ms: int = _setting(
        200, CALL, "Audio handed to the line ahead of its playback (ms).", ge=20, le=2000
    )
    max_sentences: int = _setting(10, CALL, "Sentences spoken per reply.", ge=1, le=50)
    max_call_s: float = _setting(1800, CALL, "Longest call (seconds).", ge=5, le=14_400)
    silence_prompt_s: float = _setting(
        10, CALL, "Silence after which the agent asks whether anyone is there (s).", ge=1, le=600
    )
    silence_prompts: int = _setting(2, CALL, "How often it asks before hanging up.", ge=0, le=10)
    reply_timeout_s: float = _setting(
        15, CALL, "Wait for a model's first sentence before an apology (s).", ge=0.5, le=300
    )
    stall_timeout_s: float = _setting(
        10, CALL, "A line without audio for so long is dead (s).", ge=1, le=300
    )

    # ---- telephone
    twilio_account_sid: str = _setting(
        "",
        TELEPHONE,
        "Twilio account.",
        "AC and 32 hexadecimal digits, or empty",
        pattern=r"^(AC[0-9a-fA-F]{32})?$",
    )
    twilio_auth_token: SecretStr = _setting(SecretStr(""), TELEPHONE, "Twilio token.")
    twilio_phone_number: str = _setting(
        "",
        TELEPHONE,
        "Number the agent calls from.",
        "+ and 7 to 15 digits (E.164), or empty",
        pattern=rf"^$|{E164}",
    )

    twilio_api_url: str = _setting(
        "",
        TELEPHONE,
        "Address of Twilio's REST API; empty: the public one. For offline tests.",
        "http(s)://host[:port], or empty",
        pattern=r"^(https?://[^\s/]+/?)?$",
    )
    twilio_timeout_s: float = _setting(
        10, TELEPHONE, "Longest wait for an answer of Twilio's REST API (s).", ge=1, le=60
    )
    twilio_ring_s: int = _setting(
        30, TELEPHONE, "How long an outbound call rings (s).", ge=5, le=600
    )
    insecure_skip_signatures: bool = _setting(
        False,
        TELEPHONE,
        "Development only: take Twilio's requests without checking X-Twilio-Signature.",
    )
    stream_token_s: int = _setting(
        60, TELEPHONE, "How long the token of a media stream is good for (s).", ge=5, le=3600
    )

    # ---- logs
    log_format: Literal["text", "json"] = _setting(
        "text", LOGS, "Lines for people, or one JSON object per line."
    )
    log_level: Level = _setting("INFO", LOGS, "Least important message that is logged.")
    log_file: UserPath | None = _setting(
        None, LOGS, "File that rotates at 10 MB; empty: standard error only."
    )
    debug: bool = _setting(False, LOGS, "Log everything; the server also logs each request.")
