"""Recordings: from the switch's raw file to a sealed set of files, and from speech to words.

`Vault` finds and reads what is finished. `WorkerPool` runs the processes that do the work; jobs come from the Redis
stream {prefix}recordings, results go to {prefix}transcripts. `Listener` hears emergencies of callers nobody serves
yet, while they speak. No speech is ever recognised in the service's process.
"""

from ._again import enqueue, revive
from ._backlog import Backlog, Waiting, backlog, overdue
from ._cer import character_error_rate
from ._check import check_model
from ._judge import Detector, Sign
from ._keeper import HeldError, Keeper, UnknownRecordingError
from ._listener import Listener, ListenerCounters
from ._model import Discard, Job, ModelReport, Segment, Word, parse_job
from ._parties import Mark, PartySpan, Span
from ._pool import WorkerPool
from ._recognizer import Recognizer, Utterance, VoskRecognizer
from ._settings import GROUP, EarSettings, RecordingSettings
from ._transcribe import text_of, transcribe
from ._vault import Vault
from .errors import BadJobError, RawMissingError, RecogniserError, RecordingError, VaultDamagedError

__all__ = [
    "GROUP",
    "Backlog",
    "BadJobError",
    "Detector",
    "Discard",
    "EarSettings",
    "HeldError",
    "Job",
    "Keeper",
    "Listener",
    "ListenerCounters",
    "Mark",
    "ModelReport",
    "PartySpan",
    "RawMissingError",
    "RecogniserError",
    "Recognizer",
    "RecordingError",
    "RecordingSettings",
    "Segment",
    "Sign",
    "Span",
    "UnknownRecordingError",
    "Utterance",
    "Vault",
    "VaultDamagedError",
    "VoskRecognizer",
    "Waiting",
    "Word",
    "WorkerPool",
    "backlog",
    "character_error_rate",
    "check_model",
    "enqueue",
    "overdue",
    "parse_job",
    "revive",
    "text_of",
    "transcribe",
]
