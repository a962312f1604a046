"""How often `detect_intent` agrees with the labels of datasets/intents.

    python eval/intents.py [FILE…] [--misses] [--json]

`tuned.yaml` was written beside the rules. `blind.yaml` was written by a reader who had not seen
them; nobody looked at its misses, but its figure was watched while the rules grew. `fresh.yaml`
was written by another such reader when the rules were finished, and measured then: its figure
is the honest one. Misses are printed of the tuned list only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml

from sdr_lab.agents.intent import INTENTS, detect_intent
from sdr_lab.errors import BadInput

DATA = Path(__file__).parent.parent / "datasets" / "intents"
FLOORS = {"tuned": 0.95, "blind": 0.85, "fresh": 0.80}
"""Share of right answers below which the script exits 1, by file name."""


Phrase = tuple[str, str, bool]
"""Text, intent, and whether the agent's last sentence was a question."""


def read_phrases(path: Path) -> list[Phrase]:
    """Return the phrases of a labelled list.

    Raises:
        BadInput: the file or an entry is not as it should be.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: {error}") from error
    pairs: list[Phrase] = []
    for number, row in enumerate(rows or [], 1):
        if not isinstance(row, dict) or row.get("intent") not in INTENTS or not row.get("text"):
            allowed = "{text: …, intent: NAME}, NAME one of " + ", ".join(INTENTS)
            raise BadInput(f"{path}: entry {number}: got {row!r}, allowed: {allowed}")
        pairs.append((str(row["text"]), str(row["intent"]), bool(row.get("asked", False))))
    if not pairs:
        raise BadInput(f"{path}: holds no phrases; give a list of {{text: …, intent: NAME}}")
    return pairs


def score(pairs: Sequence[Phrase]) -> dict[str, object]:
    """Return accuracy, accuracy by intent, and the misses as (text, label, found)."""
    misses = [
        (text, label, found)
        for text, label, asked in pairs
        if (found := detect_intent(text, asked).name) != label
    ]
    totals = Counter(label for _, label, _ in pairs)
    wrong = Counter(label for _, label, _ in misses)
    by_intent = {name: round(1 - wrong[name] / n, 3) for name, n in sorted(totals.items())}
    return {
        "phrases": len(pairs),
        "accuracy": round(1 - len(misses) / len(pairs), 4),
        "by_intent": by_intent,
        "misses": misses,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the accuracy of each list; 1 when one is below its floor."""
    parser = argparse.ArgumentParser(description="Accuracy of detect_intent on labelled phrases.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--misses", action="store_true", help="list them (of tuned.yaml)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    files = options.files or sorted(DATA.glob("*.yaml"))
    worst = 0
    report: dict[str, object] = {}
    for path in files:
        result = score(read_phrases(path))
        misses = result.pop("misses")
        report[path.stem] = result
        below = float(str(result["accuracy"])) < FLOORS.get(path.stem, 0.0)
        worst = max(worst, int(below))
        if not options.as_json:
            mark = f"  below {FLOORS[path.stem]}" if below else ""
            print(f"{path.stem}: {result['accuracy']:.3f} of {result['phrases']} phrases{mark}")
            if options.misses and path.stem == "tuned" and isinstance(misses, list):
                for text, label, found in misses:
                    print(f"  {label:16} {found:16} {text}")
    if options.as_json:
        print(json.dumps(report, indent=2))
    return worst


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BadInput as problem:
        sys.exit(str(problem))
