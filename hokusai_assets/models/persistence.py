"""Model files: skops archives (no pickle), with the same bytes for the same model."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hokusai_assets.benchmarks.spec import SpecError

# Types inside our own estimators' files that skops does not trust by default. Each holds
# arrays and numbers only and runs no code of the file when it is loaded.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
# scikit-learn's text vectorizers remember a memory address to skip a check they then repeat.
_ADDRESS_ATTRIBUTE = "_stop_words_id"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class UntrustedModel(SpecError):
    """The model file holds types that nobody declared trusted; the message names them."""


def model_bytes(pipeline: Any) -> bytes:
    """Return a fitted pipeline as a skops archive.

    skops names entries by memory address and stamps them with the clock; both are replaced
    (numbers by first appearance, 1980-01-01), and unset padding inside tree nodes is zeroed, so
    equal models give equal bytes.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        schema = json.loads(archive.read("schema.json"))
        entries = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[int, int] = {}
    renamed: dict[str, str] = {}
    _renumber(schema, numbers, renamed)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for old, new in renamed.items():
            archive.writestr(_entry(new), _without_padding(entries[old]))
        text = json.dumps(schema, sort_keys=False, separators=(",", ":"))
        archive.writestr(_entry("schema.json"), text)
    return buffer.getvalue()


def files_digest(files: Sequence[bytes]) -> str:
    """Return the SHA-256 (hex) that names a model: of its file; of several replicas' files, over
    their digests' text one after the other.
    """
    digests = [hashlib.sha256(file).hexdigest() for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def load_model(data: bytes, *, trusted: tuple[str, ...] = (), where: str = "model file") -> Any:
    """Return the pipeline in a skops archive.

    Args:
        data: the archive's bytes.
        trusted: type names trusted beyond `TRUSTED_TYPES`, as the spec's ``model.trusted_types``.
        where: what messages call the file.

    Raises:
        UntrustedModel: naming the types that are not trusted; nothing is loaded then.
        SpecError: the bytes are no skops archive (a pickle never is).
    """
    import skops.io

    try:
        untrusted = set(skops.io.get_untrusted_types(data=data))
    except Exception as error:
        raise SpecError(
            f"{where}: no skops file ({type(error).__name__}); save the model with "
            "skops.io.dump - pickle files are never loaded"
        ) from None
    allowed = set(TRUSTED_TYPES) | set(trusted)
    if foreign := sorted(untrusted - allowed):
        raise UntrustedModel(
            f"{where}: holds types that are not trusted: {', '.join(foreign)}; name them in "
            "model.trusted_types only if you know where the file comes from"
        )
    try:
        return skops.io.loads(data, trusted=sorted(untrusted))
    except Exception as error:
        raise SpecError(
            f"{where}: the skops file can't be loaded ({type(error).__name__}); save the model "
            "again with this platform's scikit-learn"
        ) from None


def load_model_file(path: Path, *, trusted: tuple[str, ...] = ()) -> tuple[Any, str]:
    """Return the pipeline in a file, and the SHA-256 (hex) of its bytes.

    Raises:
        SpecError: the file is missing or `load_model` refuses it.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise SpecError(f"baseline.path: {path} can't be read") from None
    return load_model(data, trusted=trusted, where=str(path)), hashlib.sha256(data).hexdigest()


def _renumber(node: Any, numbers: dict[int, int], renamed: dict[str, str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "__id__" and isinstance(value, int):
                node[key] = numbers.setdefault(value, len(numbers) + 1)
            elif key == "file" and isinstance(value, str):
                node[key] = renamed.setdefault(value, f"{len(renamed) + 1}{Path(value).suffix}")
            elif key == _ADDRESS_ATTRIBUTE:
                value["content"] = "0"
                _renumber(value, numbers, renamed)
            else:
                _renumber(value, numbers, renamed)
    elif isinstance(node, list):
        for value in node:
            _renumber(value, numbers, renamed)


def _without_padding(data: bytes) -> bytes:
    if not data.startswith(b"\x93NUMPY"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
