"""One reply of `playbook`: which line, which sentences, which tool."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sdr_lab.llm.playbook_answer import Unit, alike, answer, sentences_in, units_of
from sdr_lab.llm.playbook_lines import OBJECTIONS, choose, lines_for
from sdr_lab.llm.playbook_question import Question, questions_in, size_in
from sdr_lab.llm.playbook_words import STOP, plain_words, stem, stems_of, topics_of
from sdr_lab.records import Message, Passage, Prompt, ToolCall, ToolResult

Parts = list[str | ToolCall]

_ABOUT_AGENT = (
    ("robot", r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)|you) (?:even |really |"
     r"actually )?(?:an? |like an? )?(?:real|robot|bot|machine|ai|computer|human|person|recording|"
     r"automated|live person|artificial)"),
    ("why", r"\bwhy (?:are|did|do|have) you (?:guys )?(?:call|calling|called|phon)|what is this "
     r"(?:call |regarding|about|in regard)|what are you calling|what's this (?:about|regarding|call)|"
     r"what do you want"),
    ("source", r"\b(?:how|where) did you (?:guys )?(?:get|find|come by)\b.*\b(?:number|name|contact|"
     r"info)|who gave you (?:my|this)"),
    ("who", r"\bwho (?:is|are|am|'s) (?:this|you|calling|speaking|i|talking)\b|who's (?:this|calling)|"
     r"what(?:'s| is| was) your name|what company|who do you work for|where are you calling from"),
    ("how_are_you", r"\bhow (?:are|you) (?:you |doing|things)|how's it going|how is it going|how are "
     r"things|how have you been"),
)
_HOSTILE = re.compile(
    r"\b(?:idiot|stupid|moron|shut up|screw you|go to hell|damn|annoying|jerk|f\*+\w*|fuck\w*|"
    r"bullshit|hell with|ridiculous|pathetic|sick of)\b",
    re.IGNORECASE,
)
_WRONG_NUMBER = re.compile(r"\bwrong\b|by that name|private|nobody|no one|never heard of", re.I)
_FOLLOW_UP = re.compile(r"\b(?:colleague|follow up|get back to you)\b", re.IGNORECASE)
_MEETING = re.compile(
    r"\b(?:demo|meeting|appointment|which day|what day|day and time|time works|which of these|which "
    r"one|suits? you|could do|other day)\b",
    re.IGNORECASE,
)
_ELSE = re.compile(r"\b(?:anything else|what else|anything you'd like)\b", re.IGNORECASE)
_LIST = re.compile(r"\boff our list\b", re.IGNORECASE)
_EMAIL = re.compile(r"\bemail\b", re.IGNORECASE)
_CALL_BACK = re.compile(r"\b(?:better time|when (?:should|shall|may|can) (?:i|we) call)\b", re.I)
_LET_GO = re.compile(r"\blet you go\b", re.IGNORECASE)
_SHOWS_WISH_TO_END = re.compile(r"\b(?:bye|goodbye|that's all|that is all|hang up)\b", re.IGNORECASE)

DEEPER = 8
"""Passages of a second search, for questions that the first ones do not answer."""

ENDING = {"NOT_INTERESTED", "VOICEMAIL", "GOODBYE", "DO_NOT_CALL"}


class Turn:
    """Composes the parts of one reply: tool calls, or sentences, from one prompt."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.words = prompt.words.strip()
        self.low = self.words.lower().replace("’", "'")
        self.own = prompt.playbook.lines
        self.agent_said = [m.text for m in prompt.history if m.role == "agent"]
        self.last = self.agent_said[-1] if self.agent_said else ""
        self.asked = (sentences_in(self.last) or [""])[-1] if prompt.asked else ""
        self.said = " ".join(self.agent_said)
        self.tools = {tool.name: tool for tool in prompt.tools}

    def parts(self) -> Parts:
        """Return the reply. Never empty: what can't be answered gets a line that says so."""
        if self.prompt.results:
            return self._after_tools(self.prompt.results)
        if not self.words:
            return [self.line("silence" if self.last else "HELLO")]
        if self.prompt.pending is not None:
            settled = self._settle(self.prompt.pending)
            if settled is not None:
                return settled
        if self._is_forbidden():
            return [self.line("forbidden")]
        if (parts := self._in_context()) is not None:
            return parts
        return self._by_intent()

    def line(self, key: str, fallback: str = "OTHER") -> str:
        """Return a line for a moment, not the one said last if there is another."""
        return choose(lines_for(key, self.own) or lines_for(fallback, self.own), self.prompt.history)

    # ---- tools

    def _after_tools(self, results: tuple[ToolResult, ...]) -> Parts:
        last = results[-1]
        earlier = results[-2] if len(results) > 1 else None
        if last.name == "end_call":
            return [self._farewell(earlier)]
        if last.name == "mark_do_not_call":
            return self._after_do_not_call(last)
        if last.name == "note_follow_up":
            return self._after_note(last)
        if last.name == "transfer_call":
            offer = [] if last.ok else [self._follow_up_offer()]
            return [last.content if last.ok else self.line("TRANSFER"), *offer]
        if last.name == "book_appointment" and last.ok:
            return [last.content, self.line("booked")]
        if last.name in ("find_free_times", "book_appointment"):
            if not last.ok and not last.data.get("free"):
                content = last.content if last.data.get("error") != "arguments" else ""
                return [content or self.line("failed"), self.line("other_time")]
            return [_sentence(last.content), self.line("ask_time")]
        return self._answer() if last.ok else [self.line("failed"), self.line("anything_else")]

    def _after_do_not_call(self, result: ToolResult) -> Parts:
        if not result.ok:
            return [result.content]
        if "end_call" in self.tools:
            return [ToolCall("end_call", {"reason": "do_not_call"})]
        return [result.content, self.line("DO_NOT_CALL")]

    def _after_note(self, result: ToolResult) -> Parts:
        if self.prompt.intent.name == "CALL_BACK_LATER" or result.data.get("when"):
            if "end_call" in self.tools:
                return [ToolCall("end_call", {"reason": "call_back_later"})]
            return [result.content, self.line("callback_noted")]
        if not result.ok:
            return [self.line("failed"), self.line("anything_else")]
        return [result.content, self.line("follow_up_noted")]

    def _farewell(self, earlier: ToolResult | None) -> str:
        """Return the goodbye, with the outcome of the tool that ran just before it."""
        name = self.prompt.intent.name
        if earlier is not None and earlier.name == "mark_do_not_call":
            return f"{earlier.content} {self.line('DO_NOT_CALL')}"
        if earlier is not None and earlier.name == "note_follow_up":
            return f"{earlier.content} {self.line('callback_noted')}"
        if name == "VOICEMAIL":
            return self.line("VOICEMAIL")
        if name == "WRONG_PERSON":
            return self.line("wrong_number")
        if name == "NOT_INTERESTED":
            return self.line("NOT_INTERESTED")
        booked = re.search(r"\byou're booked\b", self.said, re.IGNORECASE)
        return self.line("goodbye_booked" if booked else "GOODBYE")

    def _settle(self, pending: ToolCall) -> Parts | None:
        if self.prompt.intent.name in ("CONFIRM", "INTERESTED"):
            return [ToolCall(pending.name, pending.arguments)]
        if self.prompt.intent.name in ("DENY", "NOT_INTERESTED"):
            booking = pending.name == "book_appointment"
            return [self.line("not_booked" if booking else "DENY")]
        return None

    def _end(self, reason: str, line: str) -> Parts:
        if "end_call" in self.tools:
            return [ToolCall("end_call", {"reason": reason})]
        return [self.line(line)]

    # ---- what the agent's last question makes of the words

    def _in_context(self) -> Parts | None:
        """Handle an answer to a question that the agent asked; None when it is none."""
        intent, asked = self.prompt.intent.name, self.asked
        slots = self.prompt.slots
        if _EMAIL.search(asked) and intent not in ("QUESTION", "BOOK", "OBJECTION"):
            if slots.email and _has_email(self.low):
                return self._note(self._open_question(), email=slots.email)
            if intent in ("OTHER", "CONFIRM") and re.search(r"\bat\b|@|dot", self.low):
                return [self.line("email_again")]
        if _CALL_BACK.search(asked) and (slots.when or slots.day):
            return self._call_back()
        if _MEETING.search(asked) or _MEETING.search(self.last) and self.prompt.asked:
            if slots.when or (slots.day and intent in ("BOOK", "OTHER", "CONFIRM", "QUESTION")):
                return self._book()
            if intent == "DENY" and re.search(r"which|suits|could do", f"{asked} {self.last}"):
                return [self.line("other_time")]
        if intent == "CONFIRM":
            return self._yes_to(asked)
        if intent in ("DENY", "THANKS") and asked:
            return self._no_to(asked)
        return None

    def _yes_to(self, asked: str) -> Parts | None:
        if not asked:
            return None
        if _LIST.search(asked):
            return [ToolCall("mark_do_not_call", {"reason": "agreed to be taken off the list"})]
        if _LET_GO.search(asked):
            return self._end("caller", "GOODBYE")
        if _FOLLOW_UP.search(asked):
            if self.prompt.slots.email:
                return self._note(self._open_question(), email=self.prompt.slots.email)
            return [self.line("ask_email")]
        if _MEETING.search(asked):
            return self._book()
        if _ELSE.search(asked):
            return [self.line("CONFIRM")]
        return None

    def _no_to(self, asked: str) -> Parts | None:
        if self.prompt.intent.name == "THANKS":
            return None
        if _ELSE.search(asked):
            return self._end("caller", "GOODBYE")
        if _FOLLOW_UP.search(asked) or _MEETING.search(asked) or _EMAIL.search(asked):
            return [self.line("DENY")]
        return None

    # ---- by intent

    def _by_intent(self) -> Parts:
        name = self.prompt.intent.name
        handlers: dict[str, Callable[[], Parts]] = {
            "QUESTION": self._question,
            "OBJECTION": self._objection,
            "BOOK": self._book,
            "INTERESTED": self._interested,
            "TRANSFER": self._transfer,
            "CALL_BACK_LATER": self._call_back,
            "WRONG_PERSON": self._wrong_person,
            "REPEAT": self._repeat,
            "OTHER": self._other,
            "CONFIRM": self._go_on,
            "ACKNOWLEDGE": self._go_on,
            "HELLO": self._hello,
            "DO_NOT_CALL": self._do_not_call,
        }
        if name in handlers:
            return handlers[name]()
        if name in ENDING:
            return self._end(name.lower(), name)
        return [self.line(name)]

    def _question(self) -> Parts:
        for key, pattern in _ABOUT_AGENT:
            if re.search(pattern, self.low):
                return [self.line(key)]
        return self._answer()

    def _hello(self) -> Parts:
        if re.search(_ABOUT_AGENT[-1][1], self.low):
            return [self.line("how_are_you")]
        return [self.line("HELLO")]

    def _do_not_call(self) -> Parts:
        """Only reached when the session did not run the tool before asking."""
        return [ToolCall("mark_do_not_call", {"reason": self.words[:200]})]

    def _objection(self) -> Parts:
        """Answer with the line for this kind of objection and one fact that fits it."""
        kinds = [key for key, pattern in OBJECTIONS.items() if re.search(pattern, self.low)]
        own = [key for key in kinds if lines_for(key, self.own)]
        parts: Parts = [self.line(own[0] if own else "OBJECTION")]
        facts = [self._fact_for(self.low, OBJECTIONS[kind]) for kind in own[:2]]
        parts += dict.fromkeys(filter(None, facts or [self._fact_for(self.low)]))
        spoken = " ".join(str(p) for p in parts)
        if not spoken.endswith("?") and (offer := self._offer()):
            parts.append(offer)
        return parts

    def _interested(self) -> Parts:
        if re.search(r"\b(?:know|learn|hear|find out) more\b|\btell me more\b", self.low):
            found = answer(questions_in("what does it do")[0], self._units(), self.said)
            told = found.sentences if found.level == "known" else lines_for("about", self.own)
            if told:
                return [*told[:2], *filter(None, [self._discovery() or self._offer()])]
        return [self.line("INTERESTED"), self._offer() or self.line("ask_day")]

    def _transfer(self) -> Parts:
        tool = self.tools.get("transfer_call")
        if tool is None:
            return [self.line("TRANSFER"), self._follow_up_offer()]
        departments = tool.parameters.get("properties", {}).get("department", {}).get("enum", [])
        named = [d for d in departments if stems_of(d) & stems_of(self.low) - {"the", "team"}]
        chosen = (named or list(departments))[:1]
        return [ToolCall("transfer_call", {"department": chosen[0]} if chosen else {})]

    def _call_back(self) -> Parts:
        slots = self.prompt.slots
        when = slots.when.isoformat() if slots.when else slots.day
        if when and "note_follow_up" in self.tools:
            return [ToolCall("note_follow_up", {"about": "asked to be called back", "when": when})]
        return [self.line("CALL_BACK_LATER")]

    def _wrong_person(self) -> Parts:
        if _WRONG_NUMBER.search(self.low):
            return self._end("wrong_number", "wrong_number")
        return [self.line("WRONG_PERSON")]

    def _repeat(self) -> Parts:
        if not self.last:
            return [self.line("HELLO")]
        return sentences_in(self.last)[-3:]

    def _go_on(self) -> Parts:
        """Keep the talk alive after "okay": the next question of the agent, or an open one."""
        if re.search(r"\bbooked\b", self.last):
            return [self.line("anything_else")]
        yes_no = re.match(r"(?:do|does|did|is|are|can|shall|would|will|have|has)\b", self.asked, re.I)
        if self.prompt.intent.name == "CONFIRM" and yes_no and "CONFIRM" in self.own:
            return [self.line("CONFIRM")]
        ask = self._discovery()
        return [ask] if ask else [self.line("anything_else")]

    def _other(self) -> Parts:
        if _HOSTILE.search(self.low):
            return [self.line("hostile")]
        counted = bool(self.asked) or "$" in self.last
        size = size_in(self.low) or (_bare_number(self.low) if counted else None)
        if size is not None:
            return self._for_size(size)
        asked = questions_in(self.words, self._names())
        if asked and not self.asked:
            found = answer(asked[0], self._units(), self.said)
            if found.level == "known":
                return [*found.sentences]
        if self.asked and len(self.words.split()) >= 2 and not self._is_echo():
            return [self.line("thanks_number"), self._discovery() or self._offer()]
        return [self.line("OTHER")]

    def _for_size(self, size: int) -> Parts:
        """Tell what fits a team of that size, when it is known."""
        question = questions_in(f"how much is it for {size} technicians")[0]
        found = answer(question, self._units(), self.said)
        parts: Parts = [self.line("thanks_number")]
        is_offer = found.level == "known" and "$" in found.sentences[0]
        if is_offer and found.sentences[0].lower() not in self.said.lower():
            parts.append(found.sentences[0])
        if ask := self._discovery() or self._offer():
            parts.append(ask)
        return parts

    # ---- answers

    def _answer(self) -> Parts:
        asked = questions_in(self.words, self._names())
        if not asked:
            fact = self._fact_for(self.low)
            return [fact] if fact else [self.line("OTHER")]
        units = self._units()
        found = [(question, answer(question, units, self.said)) for question in asked]
        known = [pair for pair in found if pair[1].level == "known"]
        if not known:
            if asked[0].topics == {"about"} and "about" in self.own:
                return [self.line("about")]
            if (deeper := self._look_deeper(asked[0])) is not None:
                return deeper
            related = next((a for _, a in found if a.level == "related"), None)
            if related is None:
                return self._unknown()
            if related.sentences[0].lower() in self.said.lower():
                return self._unknown()
            return [self.line("related"), *related.sentences, self.line("related_offer")]
        return self._told(found, known[0][0])

    def _look_deeper(self, question: Question) -> Parts | None:
        """Search once more, wider, before saying that something is not known."""
        if "search_knowledge_base" not in self.tools or self.prompt.results:
            return None
        query = question.text[:300] or self.words[:300]
        return [ToolCall("search_knowledge_base", {"query": query, "top_k": DEEPER})]

    def _told(self, found: list[tuple[Question, Any]], first: Question) -> Parts:
        sentences: list[str] = []
        for sentence in (s for _, a in found if a.level == "known" for s in a.sentences):
            if not any(alike(sentence, other) for other in sentences) or "$" in sentence:
                sentences.append(sentence)
        if len(found) == 1 and all(s.lower() in self.said.lower() for s in sentences):
            again = self.line("again")
            return [f"{again}{_lower_first(sentences[0], self._names())}", *sentences[1:]]
        parts: Parts = []
        verdict = found[0][1].verdict if len(found) == 1 else ""
        if verdict:
            parts.append(f"{verdict.capitalize()}.")
        elif len(self.agent_said) % 2 == 1 and first.kind != "yes_no":
            parts.append(self.line("opener"))  # before a yes-or-no answer it would sound like yes
        parts += sentences
        if len(found) > 1 and any(a.level == "unknown" for _, a in found):
            parts += [self.line("unknown")]
        elif len(found) == 1 and (ask := self._maybe_ask(first)):
            parts.append(ask)
        return parts

    def _unknown(self) -> Parts:
        if self._noted():
            return [self.line("unknown_noted")]
        return [self.line("unknown")]

    def _maybe_ask(self, question: Question) -> str:
        """Return a question of the agent after some answers: not after each, not twice."""
        recent = self.agent_said[-1:]
        if any(text.endswith("?") for text in recent) and len(self.agent_said) > 1:
            return ""
        plain_price = question.kind == "how_much" and question.topics <= {"price", "schedule"}
        if (plain_price and question.size is None) or len(self.agent_said) % 2 == 0:
            return self._discovery()
        return ""

    def _discovery(self) -> str:
        """Return the next discovery question that is neither asked nor answered already."""
        caller = [m.text for m in self.prompt.history if m.role == "caller"] + [self.words]
        spoken = frozenset[str]().union(*(stems_of(text) for text in caller))
        topics = frozenset[str]().union(*(topics_of(text) for text in caller))
        for question in lines_for("discovery", self.own):
            own = {stem(word) for word in plain_words(question)}
            about = topics_of(question) - {"schedule"}
            if question.lower() in self.said.lower() or own & spoken or about & topics:
                continue
            return question
        return ""

    def _offer(self) -> str:
        """Return the offer of a meeting, unless one is made or was refused twice."""
        if "book_appointment" not in self.tools or "booked" in self.said.lower():
            return ""
        choices = [c for c in lines_for("offer_demo", self.own) if c.lower() not in self.said.lower()]
        return choices[0] if choices else ""

    def _fact_for(self, text: str, kind: str = "") -> str:
        """Return the unsaid fact whose topic words fit best; empty when none fits.

        With a pattern as `kind` only facts on that kind of objection are looked at.
        """
        stems = stems_of(text)
        best, most = "", 0
        for topic, sentence in self.prompt.playbook.facts.items():
            hits = len((stems_of(topic) & stems) - {"a", "the", "to", "of", "i", "is", "for", "and"})
            if hits > most and re.search(kind, topic) and sentence.lower() not in self.said.lower():
                best, most = sentence, hits
        return best

    def _units(self) -> list[Unit]:
        """Return the sentences at hand: of the passages, of a second search, of the facts."""
        passages = list(self.prompt.passages)
        known = {passage.id for passage in passages}
        for result in self.prompt.results:
            for row in result.data.get("passages", []):
                if row["id"] not in known:
                    passages.append(Passage(row["id"], row["text"], row["source"], 0.0))
        return units_of(passages, self.prompt.playbook.facts)

    def _names(self) -> frozenset[str]:
        """Return the names of the agent and its company, in lower case."""
        values = self.prompt.variables
        named = [values.get(key, "") for key in ("agent_name", "company", "product", "lead_name")]
        names = {name.lower() for name in named if name}
        return frozenset(names | {word for name in names for word in name.split()})

    # ---- booking and follow-up

    def _book(self) -> Parts:
        slots = self.prompt.slots
        if re.search(r"\bcancel\b", self.low) and "demo" in self.low or "my appointment" in self.low:
            return self._change_booking()
        if slots.when is not None and "book_appointment" in self.tools:
            arguments: dict[str, Any] = {"start": slots.when.isoformat()}
            for key in ("name", "email"):
                if value := getattr(slots, key):
                    arguments[key] = value
            call = ToolCall("book_appointment", arguments)
            return [call]
        if "find_free_times" in self.tools and (slots.day or slots.part_of_day):
            wanted = {"day": slots.day, "part_of_day": slots.part_of_day}
            known = {key: value for key, value in wanted.items() if value}
            return [ToolCall("find_free_times", known)]
        if "find_free_times" in self.tools and re.search(
            r"\b(?:what|which|any|when|next|soon\w*|earliest|available|free|opening\w*)\b", self.low
        ):
            return [ToolCall("find_free_times", {})]
        if "book_appointment" not in self.tools:
            return [self._follow_up_offer()]
        return [self.line("ask_day")]

    def _change_booking(self) -> Parts:
        """No tool changes an appointment: a colleague has to."""
        if "note_follow_up" in self.tools:
            return [ToolCall("note_follow_up", {"about": self.words[:200]})]
        return [self._follow_up_offer()]

    def _note(self, about: str, email: str) -> Parts:
        if "note_follow_up" not in self.tools:
            return [self.line("failed"), self.line("anything_else")]
        return [ToolCall("note_follow_up", {"about": about[:300], "email": email})]

    def _open_question(self) -> str:
        """Return the caller's question that the agent could not answer."""
        history: tuple[Message, ...] = self.prompt.history
        for index in range(len(history) - 1, 0, -1):
            reply, before = history[index], history[index - 1]
            if reply.role == "agent" and _FOLLOW_UP.search(reply.text) and before.role == "caller":
                return before.text
        return self.words or "a question"

    def _follow_up_offer(self) -> str:
        return self.line("related_offer")

    def _noted(self) -> bool:
        return bool(re.search(r"noted that for a colleague", self.said, re.IGNORECASE))

    def _is_forbidden(self) -> bool:
        stems = stems_of(self.low)
        for topic in self.prompt.playbook.forbidden:
            wanted = {stem(word) for word in topic.lower().split() if word not in STOP}
            if wanted and wanted <= stems:
                return True
        return False

    def _is_echo(self) -> bool:
        return self.low.rstrip(".?! ") in self.last.lower()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower_first(sentence: str, names: frozenset[str]) -> str:
    """Return a sentence to be put behind a comma; names keep their capital."""
    first, *rest = sentence.split(" ")
    small = first.lower() in {
        "the", "you", "we", "it", "there", "every", "your", "all", "most", "customers", "support",
        "set-up", "training", "technicians", "importing", "annual", "companies", "with", "a", "an",
    }
    return " ".join([first.lower() if small and first.lower() not in names else first, *rest])


def _has_email(low: str) -> bool:
    return "@" in low or bool(re.search(r"\bat\b.*(?:\bdot\b|\.)", low))


def _bare_number(low: str) -> int | None:
    match = re.fullmatch(r"(?:about |around |maybe |like |um |uh |we have |just |i think )*(\w+)[.! ]*", low)
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else size_in(f"{match[1]} people")
