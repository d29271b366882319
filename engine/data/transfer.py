"""One HTTP answer appended to a file: what is asked for, what is believed, what is refused."""

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
"""Answers that may be another one soon."""
_NO_SUCH_RANGE = 416


class RefusedError(Exception):
    """The host will not give this file, however often it is asked."""


class BrokenError(Exception):
    """It did not work this time; ``wait`` is how many seconds the host wants to be left alone."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: urllib.request.Request, fp, code, msg, headers, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise RefusedError("it redirects from HTTPS to a place without")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def receive(
    url: str,
    file: BinaryIO,
    size: int,
    *,
    etag: str = "",
    timeout: float,
    begun: Callable[[str], None],
    arrived: Callable[[int], None],
) -> None:
    """Go on with ``file`` until it has all ``size`` bytes.

    What the file holds is taken for the beginning; where the host sends all anew, or sends
    another part than it was asked for, the file is emptied first.

    Args:
        url: HTTP or HTTPS.
        file: Open to read and write, anywhere.
        size: Of the whole.
        etag: What the host called the content when the beginning came; it sends all anew if it
            is called something else by now.
        timeout: Seconds in which something must come.
        begun: Told the answer's ETag before its first byte is written.
        arrived: Told after every few bytes how many there are in all.

    Raises:
        RefusedError: The host will not give the file, or gives another one.
        BrokenError: The connection failed, was cut or stalled; what came is in the file.
    """
    have = file.seek(0, 2)
    with _faults(file), _answer(url, have, etag, timeout) as answer:
        have = _place(answer, file, have, size)
        begun(answer.headers.get("ETag", ""))
        while part := answer.read1(_STEP):
            if have + len(part) > size:
                file.truncate(0)
                raise RefusedError(f"it sends more than the {size:,} bytes of the file")
            file.write(part)
            have += len(part)
            arrived(have)
    if have < size:
        raise BrokenError(f"the connection ended after {have:,} of {size:,} bytes")


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
    """Proxies as the environment names them; HTTP and HTTPS alone, no files, no FTP."""
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


def _place(answer: http.client.HTTPResponse, file: BinaryIO, have: int, size: int) -> int:
    """Where the answer's bytes belong; the file is cut to there."""
    start = 0
    if answer.status == 206:
        start = _range_start(answer, file, have, size)
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != size:
        file.truncate(0)
        offered = f"{int(length):,} bytes, expected {size - start:,}"
        raise RefusedError(f"it offers {offered}: another file, or a page")
    file.truncate(start)
    file.seek(start)
    return start


def _range_start(answer: http.client.HTTPResponse, file: BinaryIO, have: int, size: int) -> int:
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have or found[3] not in (str(size), "*"):
        file.truncate(0)
        raise BrokenError("it sent another part than it was asked for")
    return have


@contextmanager
def _faults(file: BinaryIO) -> Iterator[None]:
    """Sort what urllib raises into what may pass and what will not."""
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
        raise BrokenError("nothing came for too long") from None
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
        return "nothing came for too long"
    text = reason_of(error) if isinstance(error, Exception) else str(error)
    return plain(text)[:80] or type(error).__name__
