"""What the parts of the phone network share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdr_lab.simulate.phone_call import PhoneCall
from sdr_lab.simulate.phone_callbacks import Spawn
from sdr_lab.simulate.phone_faults import Timing
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.simulate.phone_webhooks import Courier


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a call needs of the network."""

    courier: Courier
    timing: Timing
    spawn: Spawn
    base_url: str
    """Of the REST API, for links to recordings."""
    find: Callable[[str], Subscriber]
    """Whom a number belongs to."""
    add: Callable[[PhoneCall], None]
    """Take a leg into the books that `<Dial>` opened."""
