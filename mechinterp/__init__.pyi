from . import circuits as circuits
from . import coinrun as coinrun
from . import experiments as experiments
from . import features as features
from . import interventions as interventions
from . import policies as policies
from . import proxies as proxies
from . import stats as stats
from . import training as training
from .coinrun.placements import PLACEMENTS as PLACEMENTS
from .coinrun.scenes import VARIABLES as VARIABLES
from .coinrun.scenes import MinimalPairs as MinimalPairs
from .errors import MechinterpError as MechinterpError
from .experiments.pages import report as report
from .policies.levels import LEVELS as LEVELS
from .policies.readouts import READOUTS as READOUTS
from .policies.readouts import Readout as Readout
from .policies.subject import Subject as Subject
from .policies.subject import load as load
from .stats import Estimate as Estimate
from .training import ORGANISMS as ORGANISMS

__version__: str
