"""Which providers exist: one table per step. A new one is a class in its folder and a row here.

Settings and agents may also name a class of one's own, `package.module:Class`: it is made as
`Class(settings, agent)`.
"""

from __future__ import annotations

import http.client
import inspect
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, NotFound, SdrLabError
from sdr_lab.llm.base import LanguageModel
from sdr_lab.own_class import OWN_CLASS, is_own_class, load_class
from sdr_lab.records import Agent
from sdr_lab.stt.base import Transcriber
from sdr_lab.tts.base import Voice

T = TypeVar("T")

ASK_OLLAMA_S = 0.5
"""`auto` looks for a server on this machine or in this network; it answers in milliseconds."""


@dataclass(frozen=True, slots=True)
class Provider(Generic[T]):
    """One row of a table."""

    name: str
    what: str
    """One line for `doctor` and the docs."""
    make: Callable[[Settings, Agent], T]
    is_local: bool = True
    """Needs no account and no server."""


class Table(dict[str, Provider[T]]):
    """The providers of one step by name."""

    def __init__(self, step: str, methods: tuple[str, ...], *rows: Provider[T]) -> None:
        super().__init__({row.name: row for row in rows})
        self.step = step
        """`stt`, `llm` or `tts`."""
        self.methods = methods
        """What a class of one's own must have."""


def _whisper(settings: Settings, agent: Agent) -> Transcriber:
    from sdr_lab.stt.utterances import Utterances
    from sdr_lab.stt.whisper import Whisper

    names = (agent.name, *agent.vocabulary)
    return Utterances(
        Whisper(settings.whisper_model_path, threads=settings.whisper_threads, vocabulary=names)
    )


def deepgram_key(settings: Settings) -> str:
    """Return the key of Deepgram; empty when there is none."""
    return settings.deepgram_api_key.get_secret_value()


def _deepgram(settings: Settings, agent: Agent) -> Transcriber:
    from sdr_lab.stt.deepgram import Deepgram, LiveSettings
    from sdr_lab.stt.deepgram_client import Account

    return Deepgram(
        Account(deepgram_key(settings), settings.deepgram_url),
        LiveSettings(
            model=settings.deepgram_stt_model,
            language=agent.language,
            endpointing_ms=settings.deepgram_endpointing_ms,
            utterance_end_ms=settings.utterance_end_ms,
            vocabulary=agent.vocabulary,
        ),
    )


def _deepgram_flux(settings: Settings, agent: Agent) -> Transcriber:
    from sdr_lab.stt.deepgram_client import Account
    from sdr_lab.stt.deepgram_flux import DeepgramFlux, FluxSettings

    return DeepgramFlux(
        Account(deepgram_key(settings), settings.deepgram_url),
        FluxSettings(
            model=settings.deepgram_flux_model,
            language=agent.language,
            eot_threshold=settings.deepgram_eot_threshold,
            eager_eot_threshold=settings.deepgram_eager_eot_threshold,
            eot_timeout_ms=settings.deepgram_eot_timeout_ms,
            vocabulary=agent.vocabulary,
        ),
    )


def _ollama(settings: Settings, agent: Agent) -> LanguageModel:
    from sdr_lab.llm.ollama import Ollama, OllamaSettings

    options = OllamaSettings(temperature=agent.temperature, num_predict=settings.llm_max_tokens)
    return Ollama(agent.model or settings.ollama_model, settings.ollama_host, options)


def _llama_cpp(settings: Settings, agent: Agent) -> LanguageModel:
    from sdr_lab.llm.llama_cpp import LlamaCpp, LlamaCppSettings

    options = LlamaCppSettings(
        temperature=agent.temperature, max_tokens=min(settings.llm_max_tokens, 256)
    )
    return LlamaCpp(settings.llama_model_path, options)


def _playbook(settings: Settings, agent: Agent) -> LanguageModel:
    from sdr_lab.llm.playbook import PlaybookModel

    return PlaybookModel()


def _aura(settings: Settings, agent: Agent) -> Voice:
    from sdr_lab.tts.deepgram import AuraSettings, DeepgramVoice

    return DeepgramVoice(
        deepgram_key(settings),
        settings.deepgram_url,
        AuraSettings(settings.deepgram_voice, settings.deepgram_tts_encoding),
    )


def _piper(settings: Settings, agent: Agent) -> Voice:
    from sdr_lab.tts.piper import Piper

    return Piper(str(settings.piper_voice or ""), deterministic=settings.piper_deterministic)


def _tone(settings: Settings, agent: Agent) -> Voice:
    from sdr_lab.tts.tone import Tone

    return Tone()


STT: Table[Transcriber] = Table(
    "stt",
    ("transcribe",),
    Provider("deepgram", "Deepgram's live Nova models", _deepgram, is_local=False),
    Provider("deepgram_flux", "Deepgram's Flux, which judges turns as well", _deepgram_flux, False),
    Provider("whisper", "Whisper tiny.en on this machine", _whisper),
)
LLM: Table[LanguageModel] = Table(
    "llm",
    ("reply", "warm_up"),
    Provider("ollama", "any model of an Ollama server", _ollama, is_local=False),
    Provider("llama_cpp", "a GGUF file on this machine", _llama_cpp),
    Provider("playbook", "passages and the agent's own lines, no model", _playbook),
)
TTS: Table[Voice] = Table(
    "tts",
    ("speak",),
    Provider("deepgram", "Deepgram's Aura voices", _aura, is_local=False),
    Provider("piper", "Piper voices on this machine", _piper),
    Provider("tone", "a tone per word, for tests", _tone),
)

DEFAULTS = {"stt": "whisper", "llm": "playbook", "tts": "piper"}
"""What `auto` takes when there is no account and no server."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The providers of a call, by name."""

    stt: str
    llm: str
    tts: str
    why: tuple[str, ...] = ()
    """What `auto` found, one line a step."""


def choose(settings: Settings, agent: Agent) -> Chosen:
    """Turn `auto` into names: the setting, then the agent's own, then what is there."""
    stt, stt_why = _choose_speech("stt", settings.stt_provider, agent.stt_provider, settings)
    llm, llm_why = _choose_llm(settings, agent)
    tts, tts_why = _choose_speech("tts", settings.tts_provider, agent.tts_provider, settings)
    why = [stt_why, llm_why, tts_why, _voice_note(tts, agent.voice)]
    return Chosen(stt, llm, tts, tuple(line for line in why if line))


def _choose_speech(step: str, setting: str, agents: str, settings: Settings) -> tuple[str, str]:
    wanted = setting if setting != "auto" else agents
    if wanted != "auto":
        return wanted, ""
    if deepgram_key(settings):
        return "deepgram", f"{step}: DEEPGRAM_API_KEY is set, so deepgram"
    return DEFAULTS[step], ""


def _voice_note(tts: str, voice: str) -> str:
    """Say that an agent's voice is one of another provider; its own default speaks then."""
    own = {"deepgram": voice.startswith("aura-"), "piper": ".onnx" in voice}
    if not voice or own.get(tts, True):
        return ""
    return f"tts: {voice!r} is no voice of {tts}, which speaks with its own"


def make(table: Table[T], name: str, settings: Settings, agent: Agent) -> T:
    """Make a provider by name, or of a class of one's own.

    Raises:
        NotFound: there is none of that name, or no such module or class.
        BadInput: the class is no provider of this step, or can't be made.
        MissingPackage: its model or library is not installed.
    """
    if is_own_class(name):
        return _make_own(table, name, settings, agent)
    if name not in table:
        allowed = ", ".join(["auto", *table])
        raise NotFound(f"provider {name!r} is unknown here; allowed: {allowed} or {OWN_CLASS}")
    return table[name].make(settings, agent)


def own_provider(table: Table[T], name: str) -> Callable[[Settings, Agent], T]:
    """Import a class of one's own and see that it can be a provider of this step.

    Raises:
        NotFound: no such module or class.
        BadInput: it is no class, or lacks a method; the message says which.
    """
    what = f"{table.step} provider"
    found = load_class(name, what)
    if not isinstance(found, type):
        raise BadInput(f"{what} {name!r}: is no class; give one with {_wanted(table)}")
    for method in table.methods:
        there = getattr(found, method, None)
        if not callable(there):
            raise BadInput(f"{what} {name!r}: has no {method}; give the class {_wanted(table)}")
    main = getattr(found, table.methods[0])
    if inspect.iscoroutinefunction(main) or inspect.isgeneratorfunction(main):
        todo = f"write it as `async def {table.methods[0]}` with `yield` in it"
        raise BadInput(f"{what} {name!r}: {table.methods[0]} is no async generator; {todo}")
    return found


def _wanted(table: Table[T]) -> str:
    return f"{' and '.join(table.methods)} as in sdr_lab/{table.step}/base.py"


def _make_own(table: Table[T], name: str, settings: Settings, agent: Agent) -> T:
    given = f"{table.step} provider {name!r}"
    make_it = own_provider(table, name)
    try:
        made = make_it(settings, agent)
    except SdrLabError:
        raise
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        todo = "it is made as Class(settings, agent)"
        raise BadInput(f"{given}: can't be made: {told}; {todo}") from error
    label = getattr(made, "name", None)
    if not isinstance(label, str) or not label:
        raise BadInput(f"{given}: has no name; give the class a text such as name = 'mine'")
    return made


def _choose_llm(settings: Settings, agent: Agent) -> tuple[str, str]:
    wanted = settings.llm_provider
    if wanted == "auto":
        wanted = agent.llm_provider
    if wanted != "auto":
        return wanted, ""
    if _answers(settings.ollama_host):
        return "ollama", f"llm: Ollama answers at {settings.ollama_host}"
    return DEFAULTS["llm"], f"llm: no Ollama at {settings.ollama_host}, so playbook"


def version_url(host: str) -> str:
    """Return where a server tells its version. `http://box` means port 80, plain `box` 11434."""
    host = host.rstrip("/")
    if "://" not in host:
        has_port = ":" in host.rpartition("]")[2]  # not a colon within [::1]
        host = f"http://{host}" if has_port else f"http://{host}:11434"
    return f"{host}/api/version"


def _answers(host: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(version_url(host), timeout=ASK_OLLAMA_S) as reply:
            return reply.status == 200
    except (ValueError, http.client.InvalidURL) as error:
        raise BadInput(f"OLLAMA_HOST: {host!r} is no address: {error}") from error
    except (OSError, http.client.HTTPException):
        return False
