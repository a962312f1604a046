"""What `playbook` sees of a call at one turn, and what it may say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from sdr_lab.llm.playbook_answer import Unit, sentences_in, units_of
from sdr_lab.llm.playbook_lines import ASKS, choose, lines_for
from sdr_lab.llm.playbook_words import STOP, plain_words, stem, stems_of, topics_of
from sdr_lab.records import Passage, Prompt, ToolCall

Parts = list[str | ToolCall]
"""A reply: tool calls to be run first, or sentences to be spoken."""

_TINY = frozenset({"a", "the", "to", "of", "i", "is", "for", "and"})


class Scene:
    """One turn of a call, read from a prompt."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.words = prompt.words.strip()
        self.low = self.words.lower().replace("’", "'")
        self.intent = prompt.intent.name
        self.slots = prompt.slots
        self.own = prompt.playbook.lines
        self.tools = {tool.name: tool for tool in prompt.tools}
        self.agent_said = [m.text for m in prompt.history if m.role == "agent"]
        self.last = self.agent_said[-1] if self.agent_said else ""
        self.asked = (sentences_in(self.last) or [""])[-1] if prompt.asked else ""
        """The question that the caller has just heard, empty when there was none."""
        self._heard = " ".join(self.agent_said).lower()

    def line(self, key: str) -> str:
        """Return the line for a moment that was heard least often."""
        choices = lines_for(key, self.own) or lines_for("OTHER", self.own)
        return choose(choices, self.prompt.history)

    def call(self, tool: str, **arguments: Any) -> Parts | None:
        """Return a call of a tool, None when the agent does not have it."""
        if tool not in self.tools:
            return None
        return [ToolCall(tool, {key: value for key, value in arguments.items() if value})]

    def is_said(self, sentence: str) -> bool:
        """Tell whether the caller has heard a sentence in full."""
        return sentence.lower() in self._heard

    def asks(self, moment: str) -> bool:
        """Tell whether the agent's last question belongs to a moment, by its own lines or by
        the words that such a question usually has."""
        if not self.asked:
            return False
        keys, pattern = ASKS[moment]
        own = (lines_for(key, self.own) for key in keys)
        endings = {sentences_in(text)[-1] for choices in own for text in choices if text.strip()}
        return self.asked in endings or bool(re.search(pattern, self.asked, re.IGNORECASE))

    @property
    def heard(self) -> str:
        """All that the caller heard of the agent, in lower case."""
        return self._heard

    @property
    def is_booked(self) -> bool:
        return "you're booked" in self._heard

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the agent and its company, in lower case: they are no topic of a question."""
        values = self.prompt.variables
        named = [values.get(key, "") for key in ("agent_name", "company", "product", "lead_name")]
        whole = {name.lower() for name in named if name}
        return frozenset(whole | {word for name in whole for word in name.split()})

    @cached_property
    def units(self) -> list[Unit]:
        """The sentences that may be told: of the passages, of a second search, of the facts."""
        passages = list(self.prompt.passages)
        known = {passage.id for passage in passages}
        for result in self.prompt.results:
            for row in result.data.get("passages", []):
                if row["id"] not in known:
                    passages.append(Passage(row["id"], row["text"], row["source"], 0.0))
        return units_of(passages, self.prompt.playbook.facts)

    def fact_for(self, kind: str = "") -> str:
        """Return the unsaid fact whose topic words fit the caller's words best, or nothing.

        Args:
            kind: A pattern that the topic words must match; empty: any topic.
        """
        stems = stems_of(self.low)
        best, most = "", 0
        for topic, sentence in self.prompt.playbook.facts.items():
            hits = len((stems_of(topic) & stems) - _TINY)
            if hits > most and re.search(kind, topic) and not self.is_said(sentence):
                best, most = sentence, hits
        return best

    def discovery(self) -> str:
        """Return the next question of the agent that is neither asked nor answered, or nothing."""
        caller = [m.text for m in self.prompt.history if m.role == "caller"] + [self.words]
        spoken = _union(stems_of(text) for text in caller)
        topics = _union(topics_of(text) for text in caller)
        for question in lines_for("discovery", self.own):
            own = {stem(word) for word in plain_words(question)}
            about = topics_of(question) - {"schedule"}
            if not (self.is_said(question) or own & spoken or about & topics):
                return question
        return ""

    def offer(self) -> str:
        """Return an offer of a meeting that was not made before, or nothing."""
        if "book_appointment" not in self.tools or self.is_booked:
            return ""
        choices = lines_for("offer_demo", self.own)
        return next((choice for choice in choices if not self.is_said(choice)), "")

    def next_question(self) -> str:
        """Return what keeps the talk going: a question of the agent, or the offer."""
        return self.discovery() or self.offer() or self.line("anything_else")

    @property
    def is_forbidden(self) -> bool:
        """The words hold all words of a topic that the agent must not talk about."""
        stems = stems_of(self.low)
        topics = (topic.lower().split() for topic in self.prompt.playbook.forbidden)
        wanted = ({stem(word) for word in topic if word not in STOP} for topic in topics)
        return any(words and words <= stems for words in wanted)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)
