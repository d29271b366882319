"""One HTTP response appended to a file: request, checks and errors."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from cnn_tui.engine.errors import reason_of
from cnn_tui.engine.specs.wording import plain

_STEP = 1 << 16
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_LATER = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Status codes of temporary failures."""
_NO_SUCH_RANGE = 416


class RefusedError(Exception):
    """A permanent failure: the host does not serve this file."""


class BrokenError(Exception):
    """A temporary failure; ``wait`` is the delay in seconds that the host asks for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: urllib.request.Request, fp, code, msg, headers, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise RefusedError("it redirects to plain HTTP")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def receive(
    url: str,
    file: BinaryIO,
    size: int,
    *,
    exact: bool = True,
    etag: str = "",
    timeout: float,
    begun: Callable[[str], None],
    arrived: Callable[[int], None],
) -> None:
    """Continue ``file`` until it has all its bytes.

    The present content counts as the beginning. If the host sends the whole file or another range
    than requested, the file is emptied first.

    Args:
        url: HTTP or HTTPS.
        file: Open for reading and writing, at any position.
        size: Size of the whole file; about twice as much is taken at most if it is not exact.
        exact: Whether ``size`` is known exactly; else the file ends where the host says.
        etag: ETag of the beginning; if it has changed, the host sends the whole file again.
        timeout: Seconds without a byte after which the connection has failed.
        begun: Called with the response's ETag before the first byte is written.
        arrived: Called after every few bytes with the number of bytes in all.

    Raises:
        RefusedError: The host does not serve the file, or serves another one.
        BrokenError: The connection failed or stalled; the received bytes are in the file.
    """
    have = file.seek(0, 2)
    with _faults(file), _answer(url, have, etag, timeout) as answer:
        have, whole = _offset(answer, file, have, size if exact else None)
        most = size if exact else 2 * size + _STEP
        begun(answer.headers.get("ETag", ""))
        while chunk := answer.read1(_STEP):
            if have + len(chunk) > most:
                file.truncate(0)
                raise RefusedError(f"it sends more than the {most:,} bytes of the file")
            file.write(chunk)
            have += len(chunk)
            arrived(have)
    if whole is not None and have < whole:
        raise BrokenError(f"the connection ended after {have:,} of {whole:,} bytes")


@contextmanager
def _answer(url: str, have: int, etag: str, timeout: float) -> Iterator[http.client.HTTPResponse]:
    request = urllib.request.Request(url, headers={"User-Agent": "cnn-tui"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if etag:
            request.add_header("If-Range", etag)
    with _opener().open(request, timeout=timeout) as answer:
        yield answer


def _opener() -> urllib.request.OpenerDirector:
    """An opener for HTTP and HTTPS only, with the proxies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _offset(
    answer: http.client.HTTPResponse, file: BinaryIO, have: int, size: int | None
) -> tuple[int, int | None]:
    """Offset of the response in the file, which is truncated there, and the size of the file.

    ``size`` is the expected one; with None it is what the host says, if it says any.
    """
    start = 0
    if answer.status == 206:
        start = _range_start(answer, file, have, size)
    length = answer.headers.get("Content-Length", "")
    whole = start + int(length) if length.isdecimal() else size
    if size is not None and whole != size:
        file.truncate(0)
        offered = f"{int(length):,} bytes, expected {size - start:,}"
        raise RefusedError(f"it offers {offered}: another file or a web page")
    file.truncate(start)
    file.seek(start)
    return start, whole


def _range_start(
    answer: http.client.HTTPResponse, file: BinaryIO, have: int, size: int | None
) -> int:
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    is_whole = match and (size is None or match[3] in (str(size), "*"))
    if not match or not is_whole or int(match[1]) != have:
        file.truncate(0)
        raise BrokenError("it sent another range than requested")
    return have


@contextmanager
def _faults(file: BinaryIO) -> Iterator[None]:
    """Convert the errors of urllib to temporary and permanent failures."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _NO_SUCH_RANGE:
            file.truncate(0)
        raise _of_status(error) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise RefusedError(f"its certificate is not valid ({error.reason.reason})") from None
        raise BrokenError(_words(error.reason)) from None
    except TimeoutError:
        raise BrokenError("it timed out") from None
    except (ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise BrokenError(f"the connection broke ({_words(error)})") from None


def _of_status(error: urllib.error.HTTPError) -> Exception:
    reason = f"it answers {error.code} {plain(str(error.reason))[:60]}".strip()
    if error.code in _LATER or error.code == _NO_SUCH_RANGE:
        after = error.headers.get("Retry-After", "")
        return BrokenError(reason, float(after) if after.isdecimal() else 0.0)
    return RefusedError(reason)


def _words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "it timed out"
    text = reason_of(error) if isinstance(error, Exception) else str(error)
    return plain(text)[:80] or type(error).__name__
