"""What a caller said right before he hung up. No pause has ended that turn, and none will."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sdr_lab.call.ears import Ears
from sdr_lab.call.inbox import Item
from sdr_lab.call.log import CallLog, log_turn_ending, log_words
from sdr_lab.events import TurnDropped
from sdr_lab.records import Words
from sdr_lab.stt.base import Cue
from sdr_lab.turns.decision import Decision, Kind
from sdr_lab.turns.floor import Floor

NO_TURN = {Kind.TURN_DROPPED, Kind.RESUME, Kind.NOT_UNDERSTOOD}


async def last_turn(
    floor: Floor, ears: Ears, inbox: asyncio.Queue[Item], log: CallLog, wait_ms: int
) -> Decision | None:
    """Wait for the transcript of an open turn and return its end; None if there is no turn."""
    if not floor.has_turn:
        return None
    ears.hear(Cue.FINISH)
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_ms / 1000):
            is_final = False
            while not is_final:
                item = await inbox.get()
                if isinstance(item, Words):
                    log_words(log, item)
                    is_final = item.is_final
                    for decision in floor.read(item):
                        if decision.kind is Kind.TURN_OVER:
                            return decision
                        if decision.kind is Kind.TURN_ENDING:
                            log_turn_ending(log, decision)
                        if decision.kind in NO_TURN:
                            why = decision.why or "no_words"
                            log.add(TurnDropped, text=decision.text, why=why)
    return floor.hang_up()
