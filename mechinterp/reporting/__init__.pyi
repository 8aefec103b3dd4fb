from .errors import ResultsError as ResultsError
from .figure import Figure as Figure
from .figure import KeyNumber as KeyNumber
from .figure import Text as Text
from .output import Written as Written
from .output import write as write
from .page.render import Page as Page
from .page.render import Section as Section
