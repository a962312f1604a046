"""What `playbook` tells: answers, replies to objections, what it does not know."""

from __future__ import annotations

import re

from sdr_lab.llm.playbook_answer import Answer, alike, answer, sentences_in
from sdr_lab.llm.playbook_lines import OBJECTIONS, lines_for
from sdr_lab.llm.playbook_question import Question, questions_in, size_in
from sdr_lab.llm.playbook_scene import Parts, Scene

DEEPER = 8
"""Passages of a second search, for questions that the first ones do not answer."""

ABOUT_AGENT: dict[str, str] = {
    "robot": r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)|you) (?:even |really |"
    r"actually )?(?:an? |like an? )?(?:real|robot|bot|machine|ai|computer|human|person|recording|"
    r"automated|live person|artificial)",
    "why": r"\bwhy (?:are|did|do|have) you (?:guys )?(?:call|calling|called|phon)|what is this "
    r"(?:call |regarding|about|in regard)|what are you calling|what's this (?:about|regarding|"
    r"call)|what do you want",
    "source": r"\b(?:how|where)(?: did|'d) you (?:guys )?(?:get|find|come by)\b.*\b(?:number|name|"
    r"contact|info)|who gave you (?:my|this)",
    "who": r"\bwho (?:is|are|am|'s) (?:this|you|calling|speaking|i|talking)\b|who's (?:this|"
    r"calling)|"
    r"what(?:'s| is| was) your name|what company|who do you work for|where are you calling from",
    "how_are_you": r"\bhow (?:are|you) (?:you |doing|things)|how are you|how's it going|how is it "
    r"going|how have you been",
}
"""Questions about the agent itself: line by wording."""

_MORE = re.compile(r"\b(?:know|learn|hear|find out) more\b|\btell me more\b")
_YES_NO = re.compile(r"(?:do|does|did|is|are|can|shall|would|will|have|has)\b", re.IGNORECASE)
_BARE_NUMBER = re.compile(
    r"(?:about |around |maybe |like |um |uh |we have |we've got |just |i think |probably )*"
    r"(\w+(?:[ -]\w+)?)[.! ]*"
)
_SMALL_FIRST_TEXT = (
    "the you we it there every your all most customers support set-up training technicians "
    "importing annual companies with a an"
)
_SMALL_FIRST = frozenset(_SMALL_FIRST_TEXT.split())
"""First words that are written small behind "As I said,"; others may be names."""


def reply_to_question(scene: Scene) -> Parts:
    """Answer a question about the agent, or from the sentences at hand."""
    for key, pattern in ABOUT_AGENT.items():
        if re.search(pattern, scene.low):
            return [scene.line(key)]
    return answers(scene)


def answers(scene: Scene) -> Parts:
    """Answer the caller's one or two questions; search wider before giving up."""
    asked = questions_in(scene.words, scene.names)
    if not asked:
        fact = scene.fact_for()
        return [fact] if fact else [scene.line("OTHER")]
    found = [(question, answer(question, scene.units, scene.heard)) for question in asked]
    if asked[0].topics == {"about"} and found[0][1].level != "known" and "about" in scene.own:
        return [scene.line("about")]
    open_parts = [question for question, result in found if result.level != "known"]
    if open_parts and not scene.prompt.results:
        query = (open_parts[0].text or scene.words)[:300]
        if deeper := scene.call("search_knowledge_base", query=query, top_k=DEEPER):
            return deeper
    if len(open_parts) < len(found):
        return _told(scene, found)
    related = next((result for _, result in found if result.level == "related"), None)
    if related is None or scene.is_said(related.sentences[0]):
        return [
            scene.line(
                "unknown_noted" if "noted that for a colleague" in scene.heard else "unknown"
            )
        ]
    return [scene.line("related"), *related.sentences, scene.line("related_offer")]


def reply_to_objection(scene: Scene) -> Parts:
    """Reply with the line for this kind of objection, facts that fit it, and an offer."""
    kinds = [key for key, pattern in OBJECTIONS.items() if re.search(pattern, scene.low)]
    own = [key for key in kinds if lines_for(key, scene.own)]
    line = scene.line(own[0] if own else "OBJECTION")
    facts = [scene.fact_for(OBJECTIONS[kind]) for kind in own[:2]] or [scene.fact_for()]
    sentences = [line, *dict.fromkeys(filter(None, facts))]
    if not sentences[-1].endswith("?") and (offer := scene.offer()):
        sentences.append(offer)
    return [*sentences]


def reply_to_interest(scene: Scene) -> Parts:
    """Tell more when that is asked, else offer the next step."""
    if _MORE.search(scene.low):
        found = answer(questions_in("what does it do")[0], scene.units, scene.heard)
        told = found.sentences if found.level == "known" else lines_for("about", scene.own)
        if told:
            return [*told[:2], scene.next_question()]
    return [scene.line("INTERESTED"), scene.offer() or scene.line("ask_day")]


def reply_to_statement(scene: Scene) -> Parts:
    """Use what the caller says: the size of his team, keywords of a question, an answer."""
    counted = bool(scene.asked) or "$" in scene.last
    size = size_in(scene.low) or (_bare_number(scene.low) if counted else None)
    if size is not None:
        return _for_size(scene, size)
    asked = questions_in(scene.words, scene.names)
    if asked and not scene.asked:
        found = answer(asked[0], scene.units, scene.heard)
        if found.level == "known":
            return [*found.sentences]
    is_echo = scene.low.rstrip(".?! ") in scene.last.lower()
    if scene.asks("discovery") and not is_echo:
        return [scene.line("thanks_number"), scene.next_question()]
    return [scene.line("OTHER")]


def go_on(scene: Scene) -> Parts:
    """Keep the talk alive after "okay": the agent's next question, or an open one."""
    if re.search(r"\bbooked\b", scene.last):
        return [scene.line("anything_else")]
    if scene.intent == "CONFIRM" and _YES_NO.match(scene.asked) and "CONFIRM" in scene.own:
        return [scene.line("CONFIRM")]
    return [scene.discovery() or scene.line("anything_else")]


def repeat(scene: Scene) -> Parts:
    """Say the last sentences once more."""
    return [*sentences_in(scene.last)[-3:]] if scene.last else [scene.line("HELLO")]


def _told(scene: Scene, found: list[tuple[Question, Answer]]) -> Parts:
    known = [(question, result) for question, result in found if result.level == "known"]
    sentences: list[str] = []
    for sentence in (s for _, result in known for s in result.sentences):
        if "$" in sentence or not any(alike(sentence, other) for other in sentences):
            sentences.append(sentence)
    is_single = len(found) == 1
    if is_single and all(scene.is_said(sentence) for sentence in sentences):
        first = _after_comma(sentences[0], scene.names)
        return [f"{scene.line('again')}{first}", *sentences[1:]]
    question, result = known[0]
    parts: Parts = []
    if is_single and result.verdict:
        parts.append(f"{result.verdict.capitalize()}.")
    elif len(scene.agent_said) % 2 == 1 and question.kind != "yes_no":
        parts.append(scene.line("opener"))  # before a yes-or-no answer it would sound like yes
    parts += sentences
    if any(result.level == "unknown" for _, result in found):
        parts.append(scene.line("unknown"))
    elif is_single and (ask := _question_after(scene, question)):
        parts.append(ask)
    return parts


def _question_after(scene: Scene, question: Question) -> str:
    """Return a question of the agent after some answers: not after each, not twice in a row."""
    if len(scene.agent_said) > 1 and scene.last.endswith("?"):
        return ""
    is_plain_price = question.kind == "how_much" and question.topics <= {"price", "schedule"}
    if (is_plain_price and question.size is None) or len(scene.agent_said) % 2 == 0:
        return scene.discovery()
    return ""


def _for_size(scene: Scene, size: int) -> Parts:
    """Tell what fits a team of that size, when it is known and not said yet."""
    found = answer(questions_in(f"how much is it for {size} technicians")[0], scene.units)
    fits = found.sentences[:1] if found.level == "known" and "$" in found.sentences[0] else ()
    told = [sentence for sentence in fits if not scene.is_said(sentence)]
    return [scene.line("thanks_number"), *told, scene.next_question()]


def _after_comma(sentence: str, names: frozenset[str]) -> str:
    """Return a sentence to be put behind a comma; names keep their capital."""
    first, _, rest = sentence.partition(" ")
    is_small = first.lower() in _SMALL_FIRST and first.lower() not in names
    return f"{first.lower() if is_small else first} {rest}"


def _bare_number(low: str) -> int | None:
    match = _BARE_NUMBER.fullmatch(low)
    return size_in(f"{match[1]} people") if match else None
