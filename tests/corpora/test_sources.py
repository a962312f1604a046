"""The table of sources in corpora/README.md is the one that is fetched."""

from __future__ import annotations

from pathlib import Path

from corpora.build import SPLITS
from corpora.sources import SOURCES

README = Path(__file__).parents[2] / "corpora" / "README.md"


def test_the_readme_names_every_source() -> None:
    text = README.read_text("utf-8")
    for source in SOURCES:
        clean = "yes" if source.is_clean else "no"
        splits = ", ".join(source.splits)
        row = f"| {source.package} | {source.licence} | {clean} | {splits} | {source.used_for} |"
        assert row in text


def test_no_package_is_in_the_hold_out_and_in_training() -> None:
    for source in SOURCES:
        assert set(source.splits) <= set(SPLITS)
        assert source.splits == ("holdout",) or "holdout" not in source.splits


def test_what_is_shipped_is_trained_on_clean_sources() -> None:
    for source in SOURCES:
        assert source.is_clean or not {"train", "valid"} & set(source.splits)
