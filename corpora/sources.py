"""What the corpora are made from, with licences; fetched with `apt-get download`, not installed.

`clean` sources are our own synthesis, public domain, CC0, CC-BY or a BSD-like licence: weights
trained on them may be shipped. The others (GPL, CC-BY-SA, freeware) serve for measuring on the
machine and for the training set `full`.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """A package of Debian."""

    package: str
    licence: str
    """As in the package's copyright file, for the files that are used."""
    is_clean: bool
    splits: tuple[str, ...]
    used_for: str


SOURCES = (
    Source("festvox-ru", "BSD-like (N. Shmyrev)", True, ("train",), "human speech, Russian"),
    Source(
        "pocketsphinx-testdata", "BSD-2; LibriVox: public domain", True, ("valid",), "human speech"
    ),
    Source("sonic-pi-samples", "CC0", True, ("train",), "transients, beds"),
    Source("freedoom", "BSD-3-like", True, ("train", "valid"), "cries, groans, transients"),
    Source("ktuberling-data", "GPL-2+, CC-BY, GFDL", False, ("full",), "human words, 20 languages"),
    Source("klettres-data", "GPL-2+", False, ("full",), "human syllables, 20 languages"),
    Source("fillets-ng-data-cs", "GPL-2", False, ("full",), "human speech, Czech"),
    Source("fillets-ng-data-nl", "GPL-2", False, ("full",), "human speech, Dutch"),
    Source("asterisk-core-sounds-en-wav", "CC-BY-SA-3.0", False, ("full",), "agents"),
    Source("asterisk-core-sounds-es-wav", "CC-BY-SA-3.0", False, ("full",), "agents"),
    Source("asterisk-core-sounds-ru-wav", "CC-BY-SA-3.0", False, ("full",), "agents"),
    Source("asterisk-prompt-fr-armelle", "GPL-2+", False, ("full",), "human speech"),
    Source("asterisk-prompt-es-co", "GPL", False, ("full",), "human speech"),
    Source("wesnoth-1.16-data", "GPL-2+", False, ("full",), "cries, transients, beds"),
    Source("colobot-common-sounds", "GPL-3+", False, ("full",), "transients"),
    Source("openarena-data", "GPL-2+", False, ("full",), "cries, transients"),
    Source(
        "hedgewars-data",
        "GFDL-1.3, CC-BY-SA-3.0",
        False,
        ("holdout",),
        "human speech, cries, transients",
    ),
    Source("tuxpaint-stamps-default", "GPL-2", False, ("holdout",), "human words, 9 languages"),
    Source("asterisk-core-sounds-it-wav", "CC-BY-3.0, CC-BY-SA-3.0", False, ("holdout",), "agents"),
    Source("asterisk-core-sounds-fr-wav", "CC-BY-3.0, CC-BY-SA-3.0", False, ("holdout",), "agents"),
    Source("asterisk-prompt-it-menardi-wav", "CC-BY-SA-3.0", False, ("holdout",), "human speech"),
    Source("fillets-ng-data", "GPL-2", False, ("holdout",), "human speech, music"),
    Source("warmux-data", "GPL-2+", False, ("holdout",), "cries, transients, music"),
    Source("openttd-opensfx", "CC-BY-SA-3.0", False, ("holdout",), "transients"),
)


def fetch(split: str, cache: Path) -> None:
    """Download and unpack the packages of a split that the cache doesn't hold.

    Raises:
        subprocess.CalledProcessError: Debian's archive has no such package.
    """
    folder = cache / "debs"
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        target = folder / source.package
        if split not in source.splits or target.exists():
            continue
        subprocess.run(["apt-get", "download", "-qq", source.package], cwd=folder, check=True)
        (package,) = folder.glob(f"{source.package}_*.deb")
        draft = folder / f"{source.package}.part"
        subprocess.run(["dpkg", "-x", str(package), str(draft)], check=True)
        package.unlink()
        draft.rename(target)
