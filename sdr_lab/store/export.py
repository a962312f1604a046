"""Copying a call out of the workspace."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from pathlib import Path

from sdr_lab.errors import StorageError, reason_of


def export_folder(folder: Path, target: Path) -> None:
    """Copy a call folder: as a zip file when `target` ends in `.zip`, else as a folder.

    Raises:
        StorageError: it can't be written; nothing is left of it.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".zip":
            write_zip(folder, part)
        else:
            shutil.copytree(folder, part)
        part.rename(target)
    except (OSError, shutil.Error) as error:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        elif part.is_file():
            part.unlink()
        reason = reason_of(error) if isinstance(error, OSError) else error
        raise StorageError(f"can't export {folder.name} to {target}: {reason}") from error


def write_zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
