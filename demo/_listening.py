"""Who hears whom: waiting until exactly the expected tones sound."""

import time
from collections.abc import Collection

from ._audio import Audio


async def hears_exactly(
    call: Audio, frequencies: Collection[float], *, of: Collection[float], timeout: float = 10.0, steady: float = 0.4
) -> None:
    """Wait until `call` hears all of `frequencies` and no other one of `of`, for `steady` seconds on end.

    Args:
        call: An answered call.
        frequencies: Tones (Hz) that must sound; none: none of them may (music or silence).
        of: All tones that anybody sounds.
        timeout: Seconds before giving up; only for failures.
        steady: Seconds for which it must be so: the moment between two states is none.

    Raises:
        TimeoutError: It never was so; the text names the tones heard last.
        CallEnded: The call ended first.
    """
    wanted, every = frozenset(frequencies), frozenset(of) | frozenset(frequencies)
    since: float | None = None
    heard: frozenset[float] = frozenset()

    def so() -> bool:
        nonlocal since, heard
        heard, now = call.tones_heard(every), time.time()
        if heard != wanted:
            since = None
        elif since is None:
            since = now
        return since is not None and now - since >= steady

    try:
        await call._until(so, timeout, every=0.05)
    except TimeoutError:
        raise TimeoutError(f"heard at last {sorted(heard)} and not {sorted(wanted)} Hz within {timeout} s") from None
