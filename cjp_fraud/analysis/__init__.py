"""Look at a deployment from a notebook: pandas frames with stated columns and units, charts, and nothing that writes.

>>> from cjp_fraud.analysis import figures, open_analysis
>>> demo = open_analysis("var/demo")  # doctest: +SKIP
>>> figures.series(demo.replay().of("social-pfe"), time_zone="Etc/UTC")  # doctest: +SKIP

Every frame's columns, with dtype, unit and meaning: :func:`describe` and docs/analysis.md.
"""

from cjp_fraud.analysis.columns import describe
from cjp_fraud.analysis.reading import Analysis, open_analysis

__all__ = ["Analysis", "describe", "open_analysis"]
