"""What may be done at a hook point, as data: ablate, patch, project out, steer, clamp; alone or many at once."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Ablate": "edits",
        "Box": "places",
        "Clamp": "edits",
        "Edit": "edits",
        "InterventionError": "errors",
        "Mask": "places",
        "NaturalRange": "ranges",
        "Patch": "edits",
        "Place": "places",
        "ProjectOut": "edits",
        "Steer": "edits",
        "apply": "applying",
        "apply_each": "applying",
        "around": "places",
        "resampled": "edits",
        "run_each": "applying",
    },
)

if TYPE_CHECKING:
    from mechinterp.interventions.applying import apply as apply
    from mechinterp.interventions.applying import apply_each as apply_each
    from mechinterp.interventions.applying import run_each as run_each
    from mechinterp.interventions.edits import Ablate as Ablate
    from mechinterp.interventions.edits import Clamp as Clamp
    from mechinterp.interventions.edits import Edit as Edit
    from mechinterp.interventions.edits import Patch as Patch
    from mechinterp.interventions.edits import ProjectOut as ProjectOut
    from mechinterp.interventions.edits import Steer as Steer
    from mechinterp.interventions.edits import resampled as resampled
    from mechinterp.interventions.errors import InterventionError as InterventionError
    from mechinterp.interventions.places import Box as Box
    from mechinterp.interventions.places import Mask as Mask
    from mechinterp.interventions.places import Place as Place
    from mechinterp.interventions.places import around as around
    from mechinterp.interventions.ranges import NaturalRange as NaturalRange
