"""A detection as one self-contained page: the text with its mentions and cues marked, the code table beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from detect_icd.formats.words import assertion_class, assertion_words, reason_words
from detect_icd.model import Detection, Mention
from detect_icd.spans import Span

_STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem; }
main { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 2rem; align-items: start; }
@media (max-width: 900px) { main { grid-template-columns: minmax(0, 1fr); } }
.text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2.3; }
.mention { padding: .15em .35em; margin: 0 .1em; border-radius: .35em; color: #000; }
.mention small { font-size: .7em; font-weight: bold; margin-left: .5em; vertical-align: middle; }
.present { background: #a6e3a1; } .absent { background: #f5b5b5; text-decoration: line-through #a00; }
.uncertain { background: #f9e2af; } .historical { background: #b5d3f5; } .family { background: #dfc3f2; }
.mention small { display: inline-block; text-decoration: none; }
.cue { border-bottom: 2px dotted #c60; }
table { border-collapse: collapse; width: 100%; margin-bottom: 1.5rem; font-size: .9em; }
caption { text-align: left; font-weight: bold; padding: .3em 0; }
th, td { text-align: left; vertical-align: top; padding: .3em .6em .3em 0; border-top: 1px solid var(--line); }
.code { font-weight: bold; white-space: nowrap; } .quiet { opacity: .7; font-size: .85em; }
"""


def detection_page(text: str, detection: Detection) -> str:
    """The page; offsets of `detection` must count code points of `text`."""
    title = escape(detection.document_id or "detect-icd")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="quiet"><span class="mention present">present</span> <span class="mention absent">absent</span>
<span class="mention uncertain">uncertain</span> <span class="mention historical">historical</span>
<span class="mention family">family or other</span> <span class="cue">cue</span></p>
<main>
<div class="text">{"".join(_marked(text, detection.mentions))}</div>
<div>
{_assignments(detection)}
{_mentions(detection)}
{_removed(detection)}
<p class="quiet">{_versions(detection)}</p>
</div>
</main>
</body>
</html>
"""


def _marked(text: str, mentions: tuple[Mention, ...]) -> Iterator[str]:
    """The escaped text with marks; where marks overlap, the earlier one stands."""
    marks: dict[Span, Mention | None] = {cue.span: None for mention in mentions for cue in mention.cues}
    marks.update({mention.span: mention for mention in mentions})
    at = 0
    for span, mention in sorted(marks.items(), key=lambda mark: (mark[0].start, mark[1] is None)):
        if span.start < at:
            continue
        yield escape(text[at : span.start])
        words = escape(span.of(text))
        yield f'<span class="cue">{words}</span>' if mention is None else _mark(mention, words)
        at = span.end
    yield escape(text[at:])


def _mark(mention: Mention, words: str) -> str:
    code = mention.codes[0].code if mention.codes else ""
    cues = ", ".join(f"{cue.text} ({cue.category.lower()})" for cue in mention.cues)
    hint = f"{mention.id} {mention.concept.name}: {assertion_words(mention.assertion)}" + (f"; {cues}" if cues else "")
    kind = assertion_class(mention.assertion)
    return f'<span class="mention {kind}" title="{escape(hint)}">{words}<small>{escape(code)}</small></span>'


def _assignments(detection: Detection) -> str:
    rows = [
        (
            str(a.sequence),
            a.code,
            a.description,
            f"{a.score:.2f}",
            ", ".join(a.mention_ids),
            ", ".join(link.procedure for link in a.procedure_links),
        )
        for a in detection.assignments
    ]
    return _table("Assigned codes", ("#", "Code", "Description", "Score", "From", "Supports"), rows, code_column=1)


def _mentions(detection: Detection) -> str:
    rows = [
        (
            m.id,
            m.text,
            assertion_words(m.assertion),
            ", ".join(candidate.code for candidate in m.codes),
            reason_words(m),
        )
        for m in detection.mentions
    ]
    return _table("Mentions", ("Id", "Words", "Assertion", "Codes, best first", "Not reported"), rows)


def _removed(detection: Detection) -> str:
    rows = [(r.code, r.description, ", ".join(r.mention_ids), r.explanation) for r in detection.removed]
    return _table("Left out", ("Code", "Description", "From", "Why"), rows, code_column=0) if rows else ""


def _versions(detection: Detection) -> str:
    v = detection.versions
    lines = [f"ICD-10-CM {v.code_set}, detect-icd {v.service}, lexicon {v.lexicon}, {v.guidelines}"]
    lines += [f"assumed: {assumption}" for assumption in detection.assumptions]
    lines += [f"alert: {alert.message}" for alert in detection.alerts]
    return "<br>".join(map(escape, lines))


def _table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], code_column: int = -1) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=code' if n == code_column else ''}>{escape(cell)}</td>" for n, cell in enumerate(row))
        + "</tr>\n"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>\n{body}</tbody></table>"
