"""Who hears whom: waiting until exactly the expected tones sound."""

import time
from collections.abc import Collection

from ._audio import Audio
from ._hearing import tones_in

_LOOK = 1600
"""Samples of one look (0.2 s): two tones 10 Hz apart are two."""


async def hears_exactly(
    call: Audio, frequencies: Collection[float], *, of: Collection[float], timeout: float = 10.0, steady: float = 0.4
) -> None:
    """Wait until `call` hears all of `frequencies` and no other one of `of`, for `steady` seconds on end.

    Args:
        call: An answered call.
        frequencies: Tones (Hz) that must sound; none: none of them may (music or silence).
        of: All tones that anybody sounds.
        timeout: Seconds before giving up; only for failures.
        steady: Seconds for which it must be so (0.2 or more; 0.05 at both ends weigh little): the moment between two
            states is none.

    Raises:
        TimeoutError: It never was so; the text names the tones heard last.
        CallEnded: The call ended first.
    """
    wanted, every = frozenset(frequencies), frozenset(of) | frozenset(frequencies)
    began, heard = time.time(), frozenset[float]()

    def so() -> bool:
        nonlocal heard
        # By what was heard and not by how often we looked: a late look must not miss what was between.
        audio = call.heard_lately(steady)
        looks = [tones_in(audio[at : at + _LOOK], every) for at in range(0, len(audio) - _LOOK + 1, _LOOK // 2)]
        heard = looks[-1]
        return time.time() - began >= steady and all(one == wanted for one in looks)

    try:
        await call.until(so, timeout, every=0.05)
    except TimeoutError:
        raise TimeoutError(f"heard at last {sorted(heard)} and not {sorted(wanted)} Hz within {timeout} s") from None
