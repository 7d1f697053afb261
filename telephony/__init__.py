"""The switch: AMI link, typed events in, commands out. The only room that knows Asterisk."""

from ._diary import Diary
from ._doors import Door, DoorPlan
from ._link import ActionFailed, ActionRefused, ActionTimeout, AmiLink, AmiSettings, AmiTls, LinkDown, LinkState
from ._private import PrivateAsterisk, loader
from ._render import LINE_TRUNK, OUT_TRUNK, PBX_PIECES, LineTrunk, Peer, SeatPhone, SwitchPlan, check_lines, render
from ._switch import AsteriskSwitch
from ._switches import Switches
from ._translate import translate
from .errors import PrivateAsteriskError, RenderError, TelephonyError

__all__ = [
    "LINE_TRUNK",
    "OUT_TRUNK",
    "PBX_PIECES",
    "ActionFailed",
    "ActionRefused",
    "ActionTimeout",
    "AmiLink",
    "AmiSettings",
    "AmiTls",
    "AsteriskSwitch",
    "Diary",
    "Door",
    "DoorPlan",
    "LineTrunk",
    "LinkDown",
    "LinkState",
    "Peer",
    "PrivateAsterisk",
    "PrivateAsteriskError",
    "RenderError",
    "SeatPhone",
    "SwitchPlan",
    "Switches",
    "TelephonyError",
    "check_lines",
    "loader",
    "render",
    "translate",
]
