"""Routes that steer the whole floor: the operating mode (Art. 29), known incidents, the centres' figures."""

from __future__ import annotations

from ._api_floor import FLOOR, ordered
from ._ports import Look
from ._problems import ProblemError
from ._roles import Right
from ._routes import Ask, Route
from ._schema_floor import CentreList, Done, Incident, IncidentList, IncidentOrder, Mode, ModeOrder

STEER = (Right.STEER,)


async def _mode(ask: Ask) -> Mode:
    return await ask.desk.mode()


async def _set_mode(ask: Ask) -> Mode:
    order = ask.body
    if not isinstance(order, ModeOrder):
        raise ProblemError("bad-body")
    known = (await ask.desk.choices()).modes
    if order.mode is not None and order.mode not in known:
        raise ProblemError("no-such-mode", "body:mode")
    told = [] if order.mode is None else [order.mode]
    if order.automatic is not None:
        told.append(f"automatic {'on' if order.automatic else 'off'}")
    await ask.audit({Look.MODE: ()}, f"{' '.join(told)}: {order.reason}")
    return await ordered(ask.desk.set_mode(order, ask.reader.name))


async def _incidents(ask: Ask) -> IncidentList:
    return IncidentList(items=(await ask.desk.mode()).incidents)


async def _add_incident(ask: Ask) -> Incident:
    order = ask.body
    if not isinstance(order, IncidentOrder):
        raise ProblemError("bad-body")
    known = {place.code for place in (await ask.desk.choices()).centres}
    if not known.issuperset(order.regions):
        raise ProblemError("no-such-centre", "body:regions")
    await ask.audit({Look.INCIDENT: ()}, f"added {' '.join(order.regions)}")
    return await ordered(ask.desk.add_incident(order, ask.reader.name))


async def _end_incident(ask: Ask) -> Done:
    incident = ask.ids["id"]
    await ask.audit({Look.INCIDENT: ()}, f"ended {incident}")
    if not await ordered(ask.desk.end_incident(incident, ask.reader.name)):
        raise ProblemError("no-such-incident")
    return Done()


async def _centres(ask: Ask) -> CentreList:
    return CentreList(items=list(await ask.desk.centres()))


STEERING_API: tuple[Route, ...] = (
    Route("GET", "/api/v1/mode", "The operating mode, since when, by whom and why", "mode", FLOOR, _mode, Mode),
    Route("PUT", "/api/v1/mode", "Switch the mode, or the thresholds on or off", "mode", STEER, _set_mode, Mode,
          body=ModeOrder, problems=("no-such-mode",)),
    Route("GET", "/api/v1/incidents", "Known incidents", "mode", FLOOR, _incidents, IncidentList),
    Route("POST", "/api/v1/incidents", "A known incident, told to the callers of its regions", "mode", STEER,
          _add_incident, Incident, body=IncidentOrder, problems=("no-such-centre",)),
    Route("DELETE", "/api/v1/incidents/{id}", "The incident is over", "mode", STEER, _end_incident, Done,
          problems=("no-such-incident", "incident-configured")),
    Route("GET", "/api/v1/centres", "Every centre at a glance", "centres", STEER, _centres, CentreList),
)  # fmt: skip
