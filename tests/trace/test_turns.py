from sdr_lab.events import Event
from sdr_lab.trace.turns import turns_of


def test_turns_are_what_was_heard_with_their_figures(events: list[Event]):
    turns = turns_of(events)
    assert [(turn.role, turn.text, turn.interrupted) for turn in turns] == [
        ("agent", "Hello.", False),
        ("caller", "how much is it", False),
        ("agent", "It costs ten. Per month.", False),
        ("caller", "and then", False),
        ("agent", "Then you", True),
    ]
    assert turns[0].metrics == {"first_sound_ms": 0, "send_ms": 20}
    assert turns[1].metrics == {}
    assert turns[2].metrics["voice_to_voice_ms"] == 800
    assert turns[4].metrics["answer_ms"] == 2
