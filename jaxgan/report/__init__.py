"""`jaxgan report`: a run as one HTML file that opens without a server or a network.

    reading.py   what the workdir holds, and what it lacks
    curves.py    the figures of metrics.jsonl as inline SVG
    page.py      the page; page.html, page.css and page.js are its frame

A workdir is data, perhaps somebody else's: all that comes from it is escaped, and the page's Content-Security-Policy lets
nothing run but page.js and nothing load at all. The same workdir gives the same bytes.
"""

from pathlib import Path

from jaxgan import bucket
from jaxgan.cache import write_for
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment


def write_report(workdir: str | Path, out: str | Path | None = None, *, experiment: Experiment | None = None) -> Path:
    """Write the report of a run, all of it or nothing, and return its path.

    What a run has not got, a checkpoint or sample grids or figures, the page says; it may still be training.

    Args:
        workdir: the folder of the run.
        out: the HTML file; WORKDIR/report.html where None.
        experiment: the experiment again, for a system that is not part of jaxgan. Without it such a report has neither
            digest nor parameter counts, and says so.

    Raises:
        UserError: it is not a workdir, or its experiment is not `experiment`; or the file cannot be written.
    """
    from jaxgan.report.page import page  # matplotlib is slow to import
    from jaxgan.report.reading import read

    directory = bucket.local(workdir)
    bucket.fetch(directory)
    content = page(read(directory, experiment))
    out = directory / "report.html" if out is None else bucket.local(out)
    if out.is_dir():
        raise UserError(f"{out} is a folder: give the report the name of a file in it")
    # JSON may hold half of a surrogate pair, which is no character.
    write_for(out, content.encode(errors="replace"))
    for place in {directory, out}:
        bucket.send(place)
    return out
