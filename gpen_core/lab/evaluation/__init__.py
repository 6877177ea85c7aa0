"""How good a model is: figures of restored faces compared with those of the degraded input and of classical methods.

>>> report = evaluate(model, open_faces(Path("faces"), limit=100), EvaluationOptions.quick())
>>> report.mean("psnr"), report.mean("psnr", "input")
>>> write_report(report, Path("report"))
"""

from .evaluate import evaluate
from .faces import FaceFiles, Faces, NamedFace, open_faces, read_list
from .metrics import METRICS
from .options import EvaluationOptions
from .pairs import PairedFiles, open_pairs
from .report import Report, Section
from .severity import SEVERITIES, SWEEPS
from .writing import write_report

__all__ = [
    "METRICS",
    "SEVERITIES",
    "SWEEPS",
    "EvaluationOptions",
    "FaceFiles",
    "Faces",
    "NamedFace",
    "PairedFiles",
    "Report",
    "Section",
    "evaluate",
    "open_faces",
    "open_pairs",
    "read_list",
    "write_report",
]
