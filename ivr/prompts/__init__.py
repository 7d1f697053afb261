"""The audio of prompts: a site's own recordings where there are any, espeak-ng's voice for the rest.

    report = build_prompts(load_prompts(file), site_dir, out_dir, progress=lambda done, total, name: None)

Apart from `ivr` itself because it needs numpy, soundfile and espeak-ng, and calls need none of them.
"""

from ._build import BuildReport, Progress, PromptBuildError, build_prompts, say
from ._espeak import VOICES, SpeechError, Voice

__all__ = ["VOICES", "BuildReport", "Progress", "PromptBuildError", "SpeechError", "Voice", "build_prompts", "say"]
