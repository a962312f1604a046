"""A small session for the tests of `playbook`: intent, tools and model, without sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sdr_lab.agents.agent import load_agent
from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.agents.prompt import Call, compose, first_message
from sdr_lab.agents.tools import Toolbox, ToolContext, forced_tool
from sdr_lab.llm.playbook import PlaybookModel
from sdr_lab.llm.playbook_words import stems_of, topics_of
from sdr_lab.records import Agent, Passage, Prompt, ToolCall, ToolResult

ROOT = Path(__file__).parent.parent.parent
MAPLEWOOD = load_agent(ROOT / "datasets" / "agents" / "maplewood.yaml")
REMINDER = load_agent(ROOT / "datasets" / "agents" / "reminder.yaml")
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("America/Chicago"))
"""A Tuesday; "Tuesday" is then December 1st."""


def passage(name: str, text: str) -> Passage:
    return Passage(id=name, text=text, source=f"{name}.md", score=1.0)


KNOWLEDGE = tuple(
    passage(name, text)
    for name, text in {
        "starter": "# Plans and prices\n\n## Starter plan\nThe Starter plan costs $49 per month "
        "for "
        "up to 3 technicians. The Starter plan includes scheduling and the mobile app.",
        "growth": "## Growth plan\nThe Growth plan costs $129 per month for up to 15 technicians. "
        "The Growth plan includes everything in Starter, plus route planning and reports.",
        "fleet": "## Fleet plan\nThe Fleet plan costs $299 per month for an unlimited number of "
        "technicians. The Fleet plan includes everything in Growth, plus the emergency line.",
        "integrations": "## Overview\nMaplewood connects to QuickBooks Online, Google Calendar, "
        "Stripe and Zapier. All four integrations are included in every plan.",
        "quickbooks": "## QuickBooks Online\nMaplewood works with QuickBooks Online and sends "
        "finished jobs there as invoices. The integration is for QuickBooks Online, not for the "
        "QuickBooks Desktop program.",
        "setup": "## How long set-up takes\nSet-up takes about 2 days from the first call to the "
        "first planned job. On the first day we import your customers, and on the second day we "
        "train your team.",
        "import": "## Importing your data\nImporting your data from spreadsheets is free. You send "
        "us an Excel or CSV file, and we bring in your customers and jobs.",
        "support": "Support by phone and chat is open from 7 am to 7 pm Central time on weekdays. "
        "Support is included in every plan at no extra cost.",
        "emergency": "The emergency line is open day and night for customers on the Fleet plan. On "
        "Starter and Growth there is no support at night or on weekends.",
        "trial": "## Free trial\nEvery plan starts with a 14-day free trial. You do not need a "
        "credit card to start the free trial. All features are switched on during the free trial.",
        "annual": "## Annual billing\nAnnual billing saves 15 percent compared with paying month "
        "to "
        "month. With annual billing you pay for the whole year at once.",
        "cancel": "## Cancelling\nYou can cancel at any time, because Maplewood runs month to "
        "month "
        "without a contract. You cancel with two clicks in the settings.",
        "offline": "## Working offline\nThe mobile app works offline, so technicians can work in "
        "basements and without a signal.",
        "phones": "## Phones\nThe mobile app runs on Android phones and on the iPhone.",
        "security": "## Where data is kept\nYour data is kept in the United States. Your data is "
        "encrypted in transit and at rest.",
        "results": "## Fewer missed appointments\nCustomers report 25 percent fewer missed "
        "appointments after they switch to Maplewood.",
        "company": "## What it is\nMaplewood Dispatch is scheduling and dispatch software for "
        "field-service companies. Our customers are plumbers, electricians, and heating and "
        "cooling companies.",
    }.items()
)


@dataclass
class HandSearch:
    """Finds passages by shared topics and stems; good enough to stand in for the index."""

    passages: Sequence[Passage] = KNOWLEDGE

    async def search(self, query: str, top_k: int = 3) -> list[Passage]:
        def score(found: Passage) -> float:
            return 2 * len(topics_of(query) & topics_of(found.text)) + len(
                stems_of(query) & stems_of(found.text)
            )

        return sorted(self.passages, key=score, reverse=True)[:top_k]


@dataclass
class Talk:
    """A call in text: each `say` is one turn of the caller and returns the agent's reply."""

    agent: Agent = MAPLEWOOD
    passages: Sequence[Passage] | None = None
    """Fixed passages for every turn; None: searched in KNOWLEDGE."""
    caller_number: str = "+13125550123"
    now: datetime = NOW
    greets: bool = True
    conversation: Conversation = field(default_factory=Conversation)
    calendar: MemoryCalendar = field(default_factory=MemoryCalendar)
    do_not_call: MemoryDoNotCall = field(default_factory=MemoryDoNotCall)
    results: list[ToolResult] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    ended: bool = False
    transferred_to: str | None = None

    def __post_init__(self) -> None:
        self.toolbox = Toolbox(self.calendar, self.do_not_call, HandSearch())
        if self.greets:
            self.conversation.agent_said(first_message(self.agent))

    async def say(self, words: str, cut_after: int | None = None) -> str:
        """Say something and return the reply; only `cut_after` words of it are heard."""
        conversation = self.conversation
        intent = detect_intent(words, conversation.asked)
        settled = conversation.settle(intent)
        found = self.passages
        if found is None:
            found = await HandSearch().search(words)
        results: list[ToolResult] = []
        conversation.caller_said(words)

        def prompt() -> Prompt:
            made = compose(
                self.agent,
                conversation,
                words,
                intent,
                found,
                self.now,
                self.toolbox.specs(self.agent),
                Call(results=tuple(results)),
            )
            self.prompts.append(made)
            return made

        if settled is not None and settled.outcome == "confirmed":
            results.append(await self._run(settled.call))
        elif (forced := forced_tool(intent, prompt())) is not None:
            results.append(await self._run(forced))
        text = ""
        for _ in range(4):
            calls: list[ToolCall] = []
            async for part in PlaybookModel().reply(prompt()):
                if isinstance(part, str):
                    text += part
                elif part.confirm:
                    conversation.pending = part
                else:
                    calls.append(part)
            if not calls:
                break
            results += [await self._run(call) for call in calls]
        reply = " ".join(text.split())
        heard = reply if cut_after is None else " ".join(reply.split()[:cut_after])
        conversation.agent_said(heard, cut_after is not None)
        return reply

    async def _run(self, call: ToolCall) -> ToolResult:
        context = ToolContext(self.agent, "c1", self.now, self.caller_number)
        result = await self.toolbox.run(call, context)
        self.calls.append(call)
        self.results.append(result)
        self.ended = self.ended or result.ends_call
        self.transferred_to = self.transferred_to or result.transfers_to
        return result
