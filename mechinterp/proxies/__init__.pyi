from .drives import differences as differences
from .drives import drive as drive
