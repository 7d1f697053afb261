"""A call told event by event, for tests of the pure machine: what it commands, whom it takes to be with whom."""

from calls import Rules, step
from calls import commands as c
from calls import events as e
from routing import Demand, Line, Try

CALL, CH = "hotline-1.0", "PJSIP/trunk-1"
SEAT = f"{CALL}~8001~1"
SECOND = f"{CALL}~8002~2"
BOSS = f"{CALL}~8006~2"
TAP = f"{CALL}~line.water~2"
COPS = f"{CALL}~line.110~2"


class NoFlows:
    def flow_of(self, reference):
        return None


RULES = Rules(NoFlows(), Demand((("putonghua", 1),)), ring=15.0)
EN = Demand((("en", 1),), priority=3)
WATER = Line("water", "供水", (Try("a", "96390", 20.0, "water", "供水"),))
POLICE = Line(
    "110", "公安",
    (Try("a", "110", 10.0, "110", "公安一", "caller"), Try("b", "110", 10.0, "110", "公安二", "caller"),
     Try("b", "119", 10.0, "119", "消防")),
    emergency=True,
)  # fmt: skip


def joined(leg, bridge="b1"):
    return e.LegJoined(CALL, leg, "" if leg == CALL else leg.split("~")[1], bridge)


def left(leg, cause=16):
    return e.LegLeft(CALL, leg, cause)


def wanted(how, what, part="p1", asking=SEAT, target="", **more):
    line = what.json() if isinstance(what, Line) else None
    demand = what.json() if isinstance(what, Demand) else None
    target = target or (f"entry:{what.entry}" if isinstance(what, Line) else "skill:en")
    return e.PartyWanted(CALL, part, how, demand, line, "li", asking, target, **more)


def emergency(line=POLICE, asking="", part="p1"):
    return wanted("emergency", line, part, asking)


def offered(leg=SECOND, part="p1", deadline=1e6):
    return e.Offered(CALL, leg, leg.split("~")[1], leg, deadline, part=part)


def arranged(what, leg=SEAT, key=""):
    return e.Arranged(CALL, what, leg, "li", key)


def supervised(mode, leg=BOSS, key=""):
    return e.ObserverWanted(CALL, leg.split("~")[1], leg, SEAT, leg.split("~")[1], mode, "wang", key)


ARRIVED = e.Arrived(CALL, CH, "12345", "13800001234")
TO_OFFERED = (ARRIVED, e.Waits(CALL), e.Offered(CALL, SEAT, "8001", SEAT, 1e6))
TO_TALKING = (*TO_OFFERED, e.LegRinging(CALL, SEAT), joined(SEAT))


class Story:
    """`now` moves by a second with each event; `see` returns the commands of all that it saw."""

    def __init__(self, *events):
        self.call, self.now = None, 1000.0
        self.see(*events)

    def see(self, *events, after=1.0):
        out = []
        for event in events:
            self.now += after
            self.call, commands = step(self.call, event, self.now, RULES)
            out += commands
        return out

    @property
    def party(self):
        return self.call.parties[-1]

    def room(self, leg):
        return self.call.leg(leg).room

    def heard(self):
        """Who is in the talk with the caller now."""
        return {x.id for x in self.call.legs if x.heard and x.heard[-1][1] is None}

    def said(self, what):
        """The details of the timeline's lines of that kind."""
        return [dict(m.detail) for m in self.call.timeline if m.what == what]


def talking():
    """Caller and 8001 talk in bridge b1."""
    return Story(*TO_TALKING)


def consulting(line=WATER):
    """8001 consults the line aside, in bridge b2; the caller hears music."""
    story = talking()
    story.see(wanted("consult", line), joined(TAP, "b2"), joined(SEAT, "b2"))
    return story


def talk_of_three(line=WATER):
    """Caller, 8001 and the line are together in b1."""
    story = talking()
    story.see(wanted("join", line), joined(TAP))
    return story


def kinds(commands):
    return [type(x) for x in commands]


def of(commands, kind):
    return [x for x in commands if isinstance(x, kind)]


HOLD = c.Hold(CALL, CH, SEAT, "ring", "")
