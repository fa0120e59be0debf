"""The second place of signed heads: a folder or an object store, one file a head, none ever written over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from cjp_fraud.audit.signed_head import SignedHead, Verifier, is_head_name, read_signed_head, signature_fault
from cjp_fraud.config_values import masked_url
from cjp_fraud.errors import BadInputError, CjpFraudError, StorageError
from cjp_fraud.storage.whole_files import write_whole


@dataclass(frozen=True, slots=True)
class FoundHeads:
    """What lies in the second place.

    Parameters
    ----------
    heads : those whose signatures fit, by their names.
    faults : one sentence for each file that is no head signed by a key that counts.
    """

    heads: Mapping[str, SignedHead]
    faults: tuple[str, ...]


class HeadStore:
    """The second place.

    Parameters
    ----------
    url : a folder, or a URL that fsspec knows (``s3://BUCKET/FOLDER`` with s3fs installed).
    options : of its file system (fsspec's names).
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self._options = dict(options or {})

    @property
    def shown(self) -> str:
        """The place as it may be printed."""
        return masked_url(self.url)

    def make(self) -> None:
        """Make the place if it is not there.

        Raises
        ------
        StorageError
            If it cannot be made.
        """
        with self._answering("cannot be made"):
            self._files.makedirs(self._folder, exist_ok=True)

    def put(self, signed: SignedHead) -> None:
        """Write a head; one that is there already stays as it is.

        Raises
        ------
        StorageError
            If it cannot be written; the place itself is made by ``init`` alone, so that a disk which is not
            mounted is noticed.
        """
        with self._answering("a signed head cannot be written there"):
            if isinstance(self._files, LocalFileSystem):
                file = Path(self._folder, signed.name)
                if not file.exists():  # one that is there stays as it is
                    write_whole(file, signed.content)
                return
            try:
                self._files.pipe_file(f"{self._folder}/{signed.name}", signed.content, mode="create")
            except FileExistsError:
                return  # its name holds its digest: it is the same head

    def names(self, *, may_be_new: bool = False) -> list[str]:
        """Return the names of all heads, that of the newest last.

        Parameters
        ----------
        may_be_new : a place that is not there has no heads; an object store has no folder before its first file.

        Raises
        ------
        StorageError
            If the place is not there, or does not answer.
        """
        with self._answering("cannot be listed"):
            self._files.invalidate_cache()
            try:
                paths = self._files.ls(self._folder, detail=False)
            except FileNotFoundError:
                if not may_be_new:
                    raise
                paths = []
        return sorted(filter(is_head_name, (path.rpartition("/")[2] for path in paths)))

    def found(self, keys: Sequence[Verifier]) -> FoundHeads:
        """Read every head and verify its signature.

        Parameters
        ----------
        keys : public keys that count.

        Raises
        ------
        StorageError
            If the place is not there, or does not answer.
        """
        paths = [f"{self._folder}/{name}" for name in self.names()]
        with self._answering("cannot be read"):
            contents = self._files.cat(paths, on_error="return") if paths else {}
        heads, faults = {}, []
        for path in paths:
            name = path.rpartition("/")[2]
            signed = _signed(contents.get(path), keys)
            if isinstance(signed, SignedHead):
                heads[name] = signed
            else:
                faults.append(f"{name} in {self.shown}: {signed}")
        return FoundHeads(heads, tuple(faults))

    def newest(self, keys: Sequence[Verifier], *, may_be_new: bool = False) -> SignedHead | None:
        """Return the newest head whose signature fits; None: there is none.

        Parameters
        ----------
        may_be_new : as for :meth:`names`.

        Raises
        ------
        StorageError
            If the place is not there, or does not answer.
        """
        for name in reversed(self.names(may_be_new=may_be_new)):
            with self._answering(f"{name} cannot be read"):
                content = self._files.cat_file(f"{self._folder}/{name}")
            signed = _signed(content, keys)
            if isinstance(signed, SignedHead):
                return signed
        return None

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        try:
            files, folder = fsspec.core.url_to_fs(self.url, **self._options)
        except (ImportError, ValueError) as error:
            raise BadInputError(
                f"CJP_FRAUD_HEADS_URL: {self.shown} is no place that can be used ({error}); give a folder, or a "
                "URL whose library is installed (s3://BUCKET/FOLDER needs s3fs)"
            ) from error
        return files, folder.rstrip("/")

    @property
    def _files(self) -> Any:
        return self._opened[0]

    @property
    def _folder(self) -> str:
        return self._opened[1]

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Turn whatever a file system raises into a sentence; each library has errors of its own."""
        try:
            yield
        except CjpFraudError:
            raise
        except FileNotFoundError:
            raise StorageError(
                f"the second place of signed heads is not there: {self.shown}. Bring it back (a disk that is not "
                "mounted, a folder that was removed), or set CJP_FRAUD_HEADS_URL and make it: cjp-fraud init"
            ) from None
        except Exception as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise StorageError(
                f"the second place of signed heads, {self.shown}: {what}: {type(error).__name__}: {said}"
            ) from error


def _signed(content: object, keys: Sequence[Verifier]) -> SignedHead | str:
    """Return a head whose signature fits, or what is wrong with it."""
    if not isinstance(content, bytes):
        return f"it cannot be read ({content})"
    try:
        signed = read_signed_head(content)
    except BadInputError as error:
        return str(error)
    return signature_fault(signed, keys) or signed
