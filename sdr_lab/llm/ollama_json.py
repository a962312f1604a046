"""One answer of an Ollama server in the shape of a JSON schema.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md, "Structured outputs": `format` of a
chat request may be a schema. The server only steers the words; what comes back is checked here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sdr_lab.errors import ProviderError
from sdr_lab.llm.ollama import Ollama, OllamaSettings, _new_client, _reason


async def ask_json(
    model: Ollama,
    messages: Sequence[Mapping[str, str]],
    schema: Mapping[str, Any],
    timeout_s: float,
    max_tokens: int = 1024,
) -> dict[str, Any]:
    """Ask once.

    Raises:
        ProviderError: no answer in time, an error, or an answer that is not of the schema.
    """
    import jsonschema

    options: OllamaSettings = model.settings
    client = await asyncio.to_thread(_new_client, model.host, options.connect_s)
    try:
        async with asyncio.timeout(timeout_s):
            answer = await client.chat(
                model.model,
                list(messages),
                format=dict(schema),
                think=False,
                # the size of the context is that of the calls: another one reloads the model
                options={
                    "temperature": 0,
                    "num_predict": max_tokens,
                    "num_ctx": options.num_ctx,
                },
                keep_alive=options.keep_alive,
            )
    except TimeoutError:
        raise ProviderError("ollama", f"no answer in {timeout_s:g} s") from None
    except Exception as error:
        raise ProviderError("ollama", _reason(error, model.host)) from error
    finally:
        await client.close()
    text = answer.message.content or ""
    try:
        value = json.loads(text)
        jsonschema.validate(value, dict(schema))
    except ValueError as error:
        raise ProviderError("ollama", f"the answer is no JSON: {error}") from error
    except jsonschema.ValidationError as error:
        raise ProviderError("ollama", f"the answer has the wrong shape: {error.message}") from error
    return value
