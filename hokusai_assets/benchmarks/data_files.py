"""What a spec says of its data: the files beside it, and which version they came from."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from hokusai_assets.benchmarks.groups import Integer, Strict


def _beside_spec(value: str) -> str:
    if "/" in value or "\\" in value or value in ("", ".", ".."):
        raise ValueError("a file name beside benchmark.yaml, without a folder")
    return value


PROMOTED_FOLDER = "promoted"


def _beside_spec_or_promoted(value: str) -> str:
    _beside_spec(value.removeprefix(f"{PROMOTED_FOLDER}/"))
    return value


def is_promoted(file_name: str) -> bool:
    """Tell whether a file holds a promoted contribution's rows, as its intake stored them."""
    return file_name.startswith(f"{PROMOTED_FOLDER}/")


FileBeside = Annotated[str, AfterValidator(_beside_spec)]
TrainFile = Annotated[str, AfterValidator(_beside_spec_or_promoted)]
ContentDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DataSpec(Strict):
    """The base training set and the held-out test set: files beside the spec.

    ``train`` is one file, or a list of files with the same columns: the base set is all their
    rows. Files in ``promoted/`` hold rows of contributions that were promoted.
    """

    train: tuple[TrainFile, ...]
    test: FileBeside

    @field_validator("train", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        files = [value] if isinstance(value, str) else value
        # Not as a least length: of one bad file the message would be that there is none.
        if not isinstance(files, list | tuple) or not files:
            raise ValueError("a file name beside benchmark.yaml is needed, or a list of them")
        return files

    @model_validator(mode="after")
    def _held_out(self) -> "DataSpec":
        if len(set(self.train)) != len(self.train):
            raise ValueError("train names a file twice")
        if self.test in self.train:
            raise ValueError("test names the same file as train; the test set is held out of it")
        return self


class LineageSpec(Strict):
    """Which version of the benchmark this is, as `hokusai promote` wrote it.

    ``version`` counts from 2 on. ``promoted_from`` is the content digest of the version before,
    whose spec is kept as ``versions/<version - 1>.yaml``; which contributions were promoted
    stands in ``versions/<version>.json``.
    """

    version: Annotated[Integer, Field(ge=2)]
    promoted_from: ContentDigest
