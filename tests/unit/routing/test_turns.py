"""The sorted list of free seats: the first of any set, whatever was put in and taken out, over many blocks."""

import random

import pytest

from routing._turns import BLOCK, Turns


@pytest.mark.parametrize("seed", range(4))
def test_the_first_of_a_set_is_the_smallest_key_of_it(seed):
    r = random.Random(seed)
    turns, here = Turns(), {}
    keys = {i: (r.randint(0, 2), 0.0, float(r.randint(0, 50)), str(i)) for i in range(BLOCK * 6)}
    for n in range(6000):
        i = r.choice(list(keys))
        # First mostly in, then mostly out: blocks are split, and emptied.
        if i in here and r.random() < (0.2 if n < 3000 else 0.95):
            turns.remove(here.pop(i), 1 << i)
        elif i not in here and r.random() < (0.95 if n < 3000 else 0.2):
            here[i] = keys[i]
            turns.add(keys[i], 1 << i)
        among = {r.choice(list(keys)) for _ in range(r.choice([1, 3, 60]))}
        found = [here[x] for x in among if x in here]
        mask = sum(1 << x for x in among)
        if found:
            assert turns.first(mask) == min(found)[3]
        else:
            with pytest.raises(LookupError):
                turns.first(mask)
    for i in list(here):
        turns.remove(here.pop(i), 1 << i)
    with pytest.raises(LookupError):
        turns.first(-1)
