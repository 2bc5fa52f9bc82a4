"""The page of a report. Every function here returns HTML, and escapes what it is given."""

import base64
import hashlib
import json
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import jax

from jaxgan.media.playing import element
from jaxgan.report.curves import COLORS, Chart, charts, draw
from jaxgan.report.reading import Contents, Sheet

SMALLEST_WIDTH = 512
"""Sample grids that are narrower are enlarged by a whole factor, to about as many pixels."""

MOST_NAMES = 60
"""Of classes and words so many are listed."""

THROUGHPUT = "examples_per_second"


def page(contents: Contents) -> str:
    """The whole report as one document that loads nothing."""
    frame = files(__package__)
    script = frame.joinpath("page.js").read_text().strip()
    # As the browser takes it: all between the tags.
    hashed = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = (_head, _overview, _curves, _evaluation, _config, _reproduce)
    return Template(frame.joinpath("page.html").read_text()).substitute(
        policy=policy,
        title=escape(f"{contents.name}: jaxgan report"),
        style=frame.joinpath("page.css").read_text().strip(),
        body="\n".join(filter(None, (section(contents) for section in sections))),
        script=script,
    )


def _head(contents: Contents) -> str:
    experiment, steps = contents.saved["experiment"], contents.saved["experiment"].get("steps")
    shapes = contents.saved["shapes"]
    makes = contents.run.system.makes if contents.run is not None else "image"
    shape = _shape(shapes[makes]) if makes in shapes else ""
    facts = {"Step": f"{contents.step:,}" + (f" of {steps:,}" if isinstance(steps, int) else "")}
    if contents.run is not None:
        facts["Parameters"] = f"{sum(_count(network) for network in contents.run.state.networks.values()):,}"
    facts["Examples"] = f"{contents.saved['examples']:,}"
    if speeds := _speeds(contents):
        facts[f"{_many(contents).capitalize()} a second"] = _figure(statistics.median(speeds))
    facts |= {name: _figure(value) for name, value in list(_evaluated(contents))[:2]}
    done = isinstance(steps, int) and contents.step >= steps
    state = "The run is finished." if done else "The run is still training, or was stopped on the way."
    lines = [
        f"<h1>{escape(contents.name)}</h1>",
        f'<p class="quiet">{escape(_class(experiment.get("system")))} on {escape(_class(experiment.get("data")))}'
        f"{escape(f' ({shape})' if shape else '')}. {state}</p>",
        f'<dl class="facts">{"".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())}</dl>',
    ]
    if contents.missing:
        lines.append(f'<ul class="missing">{"".join(f"<li>{escape(line)}</li>" for line in contents.missing)}</ul>')
    return "\n".join(lines)


def _overview(contents: Contents) -> str:
    """The samples, and beside them, where there is room, what made them."""
    tables = f"<div>\n{_data(contents)}\n{_networks(contents)}\n</div>"
    return f'<section class="overview">\n{_samples(contents)}\n{tables}\n</section>'


def _samples(contents: Contents) -> str:
    if not contents.sheets:
        return ""
    last = contents.sheets[-1]
    pixels = (
        contents.run is None or contents.run.record.medium.plays == ".png"
    )  # what is drawn otherwise is legible as it is
    width = last.width * (max(1, round(SMALLEST_WIDTH / max(last.width, 1))) if pixels else 1)
    few = len(contents.sheets) < contents.sheets_found
    about = f"{len(contents.sheets)} of the {contents.sheets_found:,} grids, evenly over the run. " if few else ""
    lines = [
        f'<figure class="sheets" style="width: {width}px">\n<h2>Samples over time</h2>',
        f'<p class="quiet small">{about}The same inputs at every step, so that the grids compare.</p>',
        # Where it must shrink, whole pixels would be left out.
        f"<style>@media (max-width: {last.width + 40}px) {{ .sheets img {{ image-rendering: auto; }} }}</style>",
    ]
    if len(contents.sheets) > 1:
        end = len(contents.sheets) - 1
        data = json.dumps([[f"{sheet.step:,}", _base64(sheet)] for sheet in contents.sheets])
        lines += [
            f'<label><output id="step" for="slider">step {last.step:,}</output>'
            f'<input id="slider" type="range" min="0" max="{end}" value="{end}" autocomplete="off" '
            'aria-label="Step of the sample grid"></label>',
            f'<script type="application/json" id="sheets">{data}</script>',
        ]
    else:
        lines.append(f'<p class="small">step {last.step:,}</p>')
    lines.append(
        f'<img id="sheet" width="{last.width}" height="{last.height}" alt="step {last.step:,}" '
        f'src="data:image/png;base64,{_base64(last)}">\n{_players(contents)}</figure>'
    )
    return "\n".join(lines)


def _players(contents: Contents) -> str:
    """Some of the newest step's, as they play."""
    if not contents.played:
        return ""
    shown = "\n".join(element(content, suffix, name) for name, content, suffix in contents.played)
    return f'<div class="players">\n{shown}\n</div>\n'


def _many(contents: Contents) -> str:
    """What the run makes."""
    return contents.run.record.medium.many if contents.run is not None else "examples"


def _data(contents: Contents) -> str:
    saved = contents.saved
    about = [("examples", f"{saved['examples']:,}")]
    for name, kind in saved["shapes"].items():
        about.append((name, f"{_shape(kind)}, {_plain(kind[1])}" if _is_shape(kind) else _plain(kind)))
    about.append(("classes", _listed(saved["classes"]) or "none"))
    if words := _words(saved):
        about.append((f"vocabulary of {len(words):,}", _listed(words)))
    return f"<h2>Data</h2>\n{_table((), about)}"


def _words(saved: dict[str, Any]) -> list[Any]:
    """What the numbers of texts stand for."""
    media = saved.get("media") if isinstance(saved.get("media"), dict) else {}
    found = [medium.get("vocabulary") for medium in media.values() if isinstance(medium, dict)]
    return next((words for words in (*found, saved.get("vocabulary")) if isinstance(words, list) and words), [])


def _networks(contents: Contents) -> str:
    if contents.run is None:
        return ""
    rows = [
        (name, f"{_count(network):,}", "no" if network.ema is None else "yes")
        for name, network in contents.run.state.networks.items()
    ]
    return f"<h2>Networks</h2>\n{_table(('network', 'parameters', 'moving average'), rows)}"


def _curves(contents: Contents) -> str:
    if not contents.series:
        return ""
    series = {name: points for name, points in contents.series.items() if name != THROUGHPUT}
    rows = []
    for name, points in series.items():
        finite = [point for point in points if math.isfinite(point[1])]
        if finite:
            lowest, highest = min(finite, key=lambda point: point[1]), max(finite, key=lambda point: point[1])
            rows.append((name, *(_at(point) for point in (finite[-1], lowest, highest))))
    return "\n".join(
        [
            "<section>\n<h2>Curves</h2>",
            '<div class="charts">',
            *(_chart(chart) for chart in charts(series)),
            _throughput(contents),
            "</div>",
            "<details><summary>The figures in numbers</summary>",
            _table(("", "last", "lowest", "highest"), rows),
            "</details>\n</section>",
        ]
    )


def _evaluation(contents: Contents) -> str:
    if contents.evaluation is None:
        return ""
    found = contents.evaluation
    count, features = found.get("count"), found.get("features")
    about = [f"Step {found.get('step')}, seed {found.get('seed')}."]
    if isinstance(count, dict):
        about.append(f"Pictures: {', '.join(f'{number} {name}' for name, number in count.items())}.")
    if isinstance(features, dict):
        about.append(f"Feature network: {features.get('name')}, digest {str(features.get('digest'))[:12]}.")
    if found.get("step") != contents.step:
        about.append(f"The run has come to step {contents.step:,} since.")
    rows = []
    for metric, entry in found["metrics"].items():
        words = [str(entry[name]) for name in ("protocol", "warning") if name in entry]
        figures = [(name, value) for name, value in entry.items() if name not in ("protocol", "warning")]
        for index, (name, value) in enumerate(figures):
            title = metric if name == "value" else f"{metric}: {name}"
            shown = _figure(value) if isinstance(value, float) else _plain(value)
            rows.append(((title, " ".join(words) if index == 0 else ""), shown))
    return "\n".join(
        [
            "<section>\n<h2>Evaluation</h2>",
            f'<p class="quiet small">{escape(" ".join(about))}</p>',
            f'<div class="figures">{_table(("figure, and what it may be compared with", "value"), rows)}</div>',
            "</section>",
        ]
    )


def _throughput(contents: Contents) -> str:
    """Its chart, with a sentence."""
    speeds = _speeds(contents)
    if not speeds:
        return ""
    median, batch = statistics.median(speeds), contents.saved["experiment"].get("batch_size")
    line = f"Median {_figure(median)}, from {_figure(min(speeds))} to {_figure(max(speeds))}"
    if isinstance(batch, int) and batch > 0:
        line += f"; {_figure(median / batch)} steps of {batch:,} a second"
    chart = draw(f"throughput, {_many(contents)} a second", {THROUGHPUT: contents.series[THROUGHPUT]}, THROUGHPUT)
    return _chart(chart, f"{line}. Without the time for grids, checkpoints and evaluations.")


def _config(contents: Contents) -> str:
    return (
        f"<section>\n<h2>Config</h2>\n<details><summary>Every field, as it was resolved</summary>\n"
        f"{_tree(contents.saved['experiment'])}\n</details>\n</section>"
    )


AGAIN = """\
import json, jaxgan
saved = json.load(open("experiment.json"))
again = jaxgan.Experiment.from_json(saved["experiment"])
jaxgan.fit(again, "runs/again")"""


def _reproduce(contents: Contents) -> str:
    versions, run, data = contents.saved.get("versions"), contents.run, contents.saved["experiment"].get("data")
    lines = ["<section>\n<h2>To make it again</h2>"]
    if isinstance(versions, dict):
        lines.append(f"<p>Versions: {escape(', '.join(f'{name} {value}' for name, value in versions.items()))}.</p>")
    if run is not None:
        about = f"Digest of the whole state at step {run.step:,} (SHA-256):"
        lines.append(f"<p>{about}</p>\n<pre>{escape(run.digest)}</pre>")
    if _class(data) == "Imported":
        lines.append("<p>The weights were imported: the config names the files and their digests.</p>")
    else:
        lines += [
            "<p>The experiment is in experiment.json, beside the checkpoints. The same experiment, versions and kind of "
            "device give the same digest.</p>",
            f"<pre>{escape(AGAIN)}</pre>",
            '<p class="quiet small">A system that is not part of jaxgan is trained again by its own config: '
            "<code>jaxgan train MY_CONFIG.py</code>.</p>",
        ]
    return "\n".join([*lines, "</section>"])


def _chart(chart: Chart, about: str = "") -> str:
    """A chart with its title, its legend and perhaps a sentence."""
    legend = f"<span>{escape(about)}</span>" if about else ""
    if len(chart.names) > 1:
        legend += "".join(
            f'<span><i style="background: var(--series-{index % COLORS})"></i>{escape(name)}</span>'
            for index, name in enumerate(chart.names)
        )
    elif not about:
        legend = f"<span>{escape(chart.names[0])}</span>"
    svg = chart.svg.replace("<svg", f'<svg role="img" aria-label="{escape(chart.title)} against the step"', 1)
    return f"<figure>\n<figcaption><b>{escape(chart.title)}</b>{legend}</figcaption>\n{svg}\n</figure>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str | tuple[str, str]]]) -> str:
    """Rows of texts, or of pairs of a text and a smaller one beneath; the first of a row names it."""

    def cell(content: str | tuple[str, str]) -> str:
        text, below = content if isinstance(content, tuple) else (content, "")
        # Long names break where they are put together.
        text = re.sub(r"([/:_]|\.(?=[a-z]))(?=\w)", r"\1<wbr>", escape(text))
        return text + (f"<small>{escape(below)}</small>" if below else "")

    top = f"<thead><tr>{''.join(f'<th scope=col>{escape(name)}</th>' for name in head)}</tr></thead>" if head else ""
    body = "\n".join(
        f"<tr><th scope=row>{cell(row[0])}</th>{''.join(f'<td>{cell(content)}</td>' for content in row[1:])}</tr>"
        for row in rows
    )
    return f"<table>{top}<tbody>\n{body}\n</tbody></table>"


def _tree(fields: dict[str, Any]) -> str:
    """The plain fields as a table, and below it each group of fields to unfold."""
    plain = [(name, _plain(value)) for name, value in fields.items() if not isinstance(value, dict)]
    groups = [
        f"<details open><summary>{escape(name)}</summary>\n{_tree(value)}\n</details>"
        for name, value in fields.items()
        if isinstance(value, dict)
    ]
    return "\n".join([_table((), plain), *groups])


def _at(point: tuple[int, float]) -> tuple[str, str]:
    return _figure(point[1]), f"step {point[0]:,}"


def _figure(value: float) -> str:
    """A number to read: four digits, with the thousands apart."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def _plain(value: Any) -> str:
    """A JSON value as a line."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, list) and len(kind) == 2 and isinstance(kind[0], list)


def _shape(kind: Any) -> str:
    """32 x 32 x 3 of [[32, 32, 3], "float32"]."""
    return " x ".join(map(str, kind[0])) if _is_shape(kind) else _plain(kind)


def _listed(names: list[Any]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(str, names[:MOST_NAMES])) + more


def _class(encoded: Any) -> str:
    """The name of the class of an encoded system or data set."""
    path = encoded.get("class") if isinstance(encoded, dict) else None
    return str(path).rpartition(":")[2] if path else "unknown"


def _count(network: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(network.params))


def _speeds(contents: Contents) -> list[float]:
    return [value for _, value in contents.series.get(THROUGHPUT, []) if math.isfinite(value)]


def _evaluated(contents: Contents) -> Iterable[tuple[str, float]]:
    """The main figure of each metric of evaluation.json that has one."""
    for metric, entry in (contents.evaluation or {"metrics": {}})["metrics"].items():
        value = entry.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield metric.upper() if metric in ("fid", "kid") else metric.replace("_", " "), float(value)


def _base64(sheet: Sheet) -> str:
    return base64.b64encode(sheet.png).decode()
