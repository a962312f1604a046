"""The lab: opens a workspace, builds what a call needs, and hands everything out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.agents.prompt import with_lines_filled
from sdr_lab.agents.public_web import PublicWeb
from sdr_lab.agents.tools import Toolbox
from sdr_lab.agents.variables import missing_in
from sdr_lab.agents.web_tool import WebToolRunner
from sdr_lab.audio.filters import FilterChain
from sdr_lab.call.line import Line
from sdr_lab.call.log import Sink
from sdr_lab.call.parts import Outcome, Parts
from sdr_lab.call.record import CallFolder
from sdr_lab.call.sentences import spoken_parts
from sdr_lab.call.session import Session
from sdr_lab.config import call_settings
from sdr_lab.errors import BadInput, MissingPackage, ProviderError, SdrLabError
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.llm.base import LanguageModel
from sdr_lab.llm.cache import CachedModel, question_key
from sdr_lab.providers import DEFAULTS, LLM, STT, TTS, Chosen, Table, choose, make
from sdr_lab.records import Agent, CallConfig
from sdr_lab.shelf import Shelf
from sdr_lab.tts.base import Voice
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.speakable import speakable
from sdr_lab.turns.detectors.table import make_detector
from sdr_lab.workspace import Workspace

REMEMBERING = frozenset({"ollama", "llama_cpp"})
"""Models slow enough that recurring answers are worth keeping."""

T = TypeVar("T")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call that is over."""

    conversation_id: str
    folder: Path
    outcome: Outcome


class Lab(Workspace):
    """Everything of one workspace, and the calls in it."""

    @cached_property
    def web(self) -> PublicWeb:
        """Requests of web tools."""
        return PublicWeb(self.settings.insecure_private_webhooks)

    @cached_property
    def _shelf(self) -> Shelf:
        return Shelf()

    async def close(self) -> None:
        """Close what is open: connections to services, threads of voices, the database."""
        opened = self.__dict__
        if "web" in opened:
            await self.web.close()
        if "_shelf" in opened:
            await self._shelf.close()
        if "database" in opened:
            await asyncio.to_thread(self.database.close)

    # ---- knowledge

    async def ready_knowledge(self, agent: Agent, say: Say) -> Search:
        """Return the agent's knowledge; the shipped documents are read in if there is none yet."""
        from sdr_lab.knowledge.index import IngestOptions

        name = agent.knowledge
        folder = self.datasets / "knowledge" / name
        if not self.knowledge.version(name):
            if not folder.is_dir():
                say(f"agent {agent.id} has no knowledge {name!r}: it answers without")
                return NoKnowledge()
            say(f"reading the documents of {name!r} (once)")
            settings = self.settings
            options = IngestOptions(settings.chunk_size, settings.max_document_mb)
            await self.knowledge.ingest(name, [folder], options)
        return self.knowledge.search_for(name)

    # ---- calls

    def choose(self, agent: Agent, **names: str | None) -> Chosen:
        """Return the providers of a call; names that are given win over the settings."""
        wanted = {f"{step}_provider": name for step, name in names.items() if name}
        return choose(self.settings.changed("command line", **wanted), agent)

    def parts(
        self,
        agent: Agent,
        chosen: Chosen,
        search: Search,
        overrides: Overrides | None = None,
    ) -> Parts:
        """Build what a call is made of. May be called in any thread.

        Models and voices serve many calls and are made once. The first message of overrides is
        for one caller's ears: its sound is not kept.

        Raises:
            NotFound: a provider is unknown.
            MissingPackage: a model or library is not installed.
        """
        settings = self.settings
        agent = with_overrides(agent, overrides)
        model = self._shared(LLM, chosen.llm, agent)
        if settings.response_cache and chosen.llm in REMEMBERING:
            model = self._remembering(model, agent)
        voice = self._shared(TTS, chosen.tts, agent)
        if settings.tts_cache_mb and hasattr(voice, "fingerprint"):  # else it may change unseen
            voice = CachedVoice(
                voice,
                self.home / "tts_cache",
                settings.tts_cache_mb,
                keep=fixed_lines(agent, overrides).__contains__,
            )
        return Parts(
            transcriber=make(STT, chosen.stt, settings, agent),
            model=model,
            voice=voice,
            toolbox=Toolbox(
                self.calendar,
                self.do_not_call,
                search,
                web=[WebToolRunner(tool, self.web) for tool in self.tools.of(agent.id)],
            ),
            search=search,
            reserve_voice=self._reserve(chosen.tts, agent),
        )

    def _shared(self, table: Table[T], name: str, agent: Agent) -> T:
        if name not in table:  # a class of one's own may depend on all of the agent
            return make(table, name, self.settings, agent)
        key = (table.step, name, agent.id, agent.version, agent.model, agent.temperature)
        return self._shelf.get(key, lambda: make(table, name, self.settings, agent))

    def _remembering(self, model: LanguageModel, agent: Agent) -> CachedModel:
        key = ("answers", id(model), agent.id, agent.version)
        of_agent = question_key(f"{agent.id}@{agent.version}")
        return self._shelf.get(key, lambda: CachedModel(model, of_agent))

    def _reserve(self, tts: str, agent: Agent) -> Voice | None:
        """Return the voice that speaks when a service fails, if it is installed."""
        if tts not in TTS or TTS[tts].is_local:
            return None
        with suppress(MissingPackage):
            return self._shared(TTS, DEFAULTS["tts"], agent)
        return None

    def config(
        self,
        agent: Agent,
        chosen: Chosen,
        line: str,
        caller_number: str = "",
        variables: Mapping[str, str] | None = None,
        *,
        direction: Literal["inbound", "outbound"] = "inbound",
        call_sid: str = "",
        conversation_id: str = "",
        overrides: Overrides | None = None,
        max_call_s: float | None = None,
        needs_variables: bool = True,
    ) -> CallConfig:
        """Freeze the conditions of a call that begins now.

        Args:
            agent: As it is stored, or with the overrides already in it.
            chosen: The providers.
            line: Kind of the line.
            caller_number: The other side's number, E.164; empty when unknown.
            variables: Values of this call; they win over all others.
            direction: Who phoned whom.
            call_sid: The phone network's name of the call.
            conversation_id: Of a call that is in the store already; empty: a new one.
            overrides: What this call changes of the agent.
            max_call_s: Longest call; None: the agent's own, else MAX_CALL_S.
            needs_variables: Refuse a text that lacks one; False: it is spoken without it.

        Raises:
            SettingError: a threshold of the agent is not allowed.
            BadInput: a text of the agent lacks a variable, or an audio filter is unknown.
        """
        from sdr_lab.store.calls import new_conversation_id

        agent = with_overrides(agent, overrides)
        settings = call_settings(self.settings, agent)
        if max_call_s is not None:
            settings = replace(settings, max_call_s=max_call_s)
        FilterChain(settings.filters)  # an unknown one is noticed here, not in mid-call
        make_detector(settings.interrupt)
        if needs_variables:
            refuse_missing_variables(agent, variables)
        return CallConfig(
            conversation_id=conversation_id or new_conversation_id(),
            agent=agent,
            settings=settings,
            stt=chosen.stt,
            llm=chosen.llm,
            tts=chosen.tts,
            line=line,
            direction=direction,
            call_sid=call_sid,
            caller_number=caller_number,
            variables=dict(variables or {}),
            started_at=datetime.now().astimezone().isoformat(timespec="milliseconds"),
        )

    async def check(self, agent: Agent, chosen: Chosen) -> None:
        """See that a model on a server is there before anyone is called.

        Raises:
            ProviderError: it is not; the message says what to do.
        """
        if chosen.llm == "ollama":
            from sdr_lab.llm.ollama import check

            found = await check(
                agent.model or self.settings.ollama_model, self.settings.ollama_host
            )
            if not found.ok:
                raise ProviderError("ollama", found.line)

    async def call(
        self,
        line: Line,
        config: CallConfig,
        parts: Parts,
        listeners: Sequence[Sink] = (),
        calls_dir: Path | None = None,
        on_session: Callable[[Session], None] | None = None,
    ) -> CallResult:
        """Run one call to its end and index it.

        Args:
            line: What carries it.
            config: Its conditions.
            parts: What it is made of.
            listeners: Told every event as it happens.
            calls_dir: A folder outside the workspace: the call is not indexed.
            on_session: Given the session before it runs; `Session.tell` takes orders.

        Raises:
            StorageError: the call folder can't be made, or the index can't be written. (What stops
                the recording in mid-call is `recording_error` of the outcome.)
        """
        config = replace(config, knowledge_version=parts.search.version)
        folder = CallFolder(calls_dir or self.home / "calls", config)
        session = Session(
            config, line, parts, folder, lambda: datetime.now().astimezone(), listeners
        )
        if on_session is not None:
            on_session(session)
        if calls_dir is not None:  # outside the workspace: not indexed
            return CallResult(config.conversation_id, folder.path, await session.run())
        try:
            await asyncio.to_thread(self.calls.start, config)
        except BaseException:
            folder.close({"reason": "error"})
            raise
        try:
            outcome = await session.run()
        except BaseException:
            with suppress(SdrLabError):  # what ended the call is what the user must hear of
                await asyncio.to_thread(self.calls.add_from_folder, folder.path)
            raise
        try:
            await asyncio.to_thread(self.calls.add_from_folder, folder.path)
        except SdrLabError as error:
            problem = outcome.recording_error or f"the call could not be indexed: {error}"
            outcome = replace(outcome, recording_error=problem)
        return CallResult(config.conversation_id, folder.path, outcome)

    async def warm_up(self, parts: Parts, agent: Agent) -> None:
        """Load the models and speak the lines that must never fail, in the order of need.

        What fails here fails again in the call, which says so in its log.
        """
        from sdr_lab.stt.utterances import Utterances

        agent = with_lines_filled(agent)
        lines = (agent.apology, agent.not_heard, agent.reprompt, agent.goodbye)
        with suppress(SdrLabError):
            await asyncio.to_thread(detect_intent, "hello")  # compiles its patterns
            if isinstance(parts.transcriber, Utterances):
                await parts.transcriber.warm_up()
            if parts.search.version:
                await parts.search.search("hello")
            if isinstance(parts.voice, CachedVoice):
                await parts.voice.warm_up(agent.voice)
                spoken = [speakable(part) for line in lines for part in spoken_parts(line)]
                await parts.voice.prepare(spoken, agent.voice)


def refuse_missing_variables(agent: Agent, variables: Mapping[str, str] | None) -> None:
    """Raise BadInput when a text of the agent lacks a variable.

    Lines of the playbook are left out: one that lacks a value is not spoken.
    """
    for place, names in missing_in(agent, variables).items():
        if not place.startswith("playbook"):
            name = names[0]
            raise BadInput(
                f"agent {agent.id!r}: {place} needs the variable {name!r}; give it with the call "
                f"(--var {name}=…, or dynamic_variables over REST), as one of the agent's "
                f"variables, or as a default in the text: {{{{{name}|…}}}}",
                f"dynamic_variables.{name}",
            )


def fixed_lines(agent: Agent, overrides: Overrides | None = None) -> frozenset[str]:
    """Return what an agent says to everyone, as the voice is given it.

    Only these are kept as sound on disk: what is said to one caller may hold his name or number.
    """
    if overrides is not None and overrides.first_message is not None:
        agent = replace(agent, first_message="")
    from sdr_lab.llm.playbook_lines import DEFAULT_LINES

    agent = with_lines_filled(agent)
    texts = [agent.first_message, agent.apology, agent.not_heard, agent.reprompt, agent.goodbye]
    for lines in (*DEFAULT_LINES.values(), *agent.playbook.lines.values()):
        texts += [line for line in lines if "{{" not in line]
    return frozenset(speakable(part) for text in texts for part in spoken_parts(text))
