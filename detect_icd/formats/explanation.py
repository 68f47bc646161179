"""Why each mention got its codes: its words, the cues, the rules and the rows of the lexicon behind it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from detect_icd.formats.words import assertion_words, one_line, reason_words
from detect_icd.lexicon import Lexicon, Sense
from detect_icd.model import Detection, Mention


def explanation(detection: Detection) -> RenderableType:
    """For every mention: words, assertion and its cues, attributes, codes with the lexicon's rows, rules."""
    lexicon = Lexicon.default()
    parts: list[Text] = []
    for mention in detection.mentions:
        parts += [Text(""), *_of_mention(mention, lexicon), *_rules(mention, detection)]
    return Group(*parts)


def _of_mention(mention: Mention, lexicon: Lexicon) -> Iterable[Text]:
    where = f"{mention.span.start}-{mention.span.end}" + (f", section {mention.section}" if mention.section else "")
    yield Text(f'{mention.id} "{one_line(mention.text)}" ({where})', "bold")
    yield Text(f"  means    {mention.concept.name} [{mention.concept.id}]")
    cues = "; ".join(f'"{one_line(cue.text)}" at {cue.span.start} ({cue.category.lower()})' for cue in mention.cues)
    yield Text(f"  asserted {assertion_words(mention.assertion)}" + (f", because of {cues}" if cues else ""))
    for attribute in mention.attributes:
        yield Text(f"  detail   {attribute.kind} = {attribute.value} (at {attribute.span.start})")
    for code in mention.codes:
        missing = f"; would be more specific with: {', '.join(code.missing)}" if code.missing else ""
        rows = ", ".join(dict.fromkeys(sense.row for sense in lexicon.phrases.find(code.matched_term)))
        source = f' from "{code.matched_term}"' + (f" ({rows})" if rows else "")
        yield Text(f"  code     {code.code} {code.score:.2f} {code.match_kind.lower()}{source}{missing}")
    if not mention.reportable:
        yield Text(f"  not reported: {reason_words(mention)}")


def _rules(mention: Mention, detection: Detection) -> Iterable[Text]:
    for assignment in detection.assignments:
        if mention.id in assignment.mention_ids:
            rules = f" by {', '.join(assignment.rule_ids)}" if assignment.rule_ids else ""
            yield Text(f"  assigned {assignment.code}{rules}")
    for removed in detection.removed:
        if mention.id in removed.mention_ids:
            rule = f" by {removed.rule_id}" if removed.rule_id else ""
            yield Text(f"  left out {removed.code}{rule}: {removed.explanation}")


def senses_table(phrase: str, senses: Iterable[Sense]) -> Table:
    """Every sense of a phrase, in the order in which they are tried."""
    table = Table(title=escape(phrase), title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in ("Concept", "Code", "Kind", "Spelling", "Needs", "Unless", "Row"):
        table.add_column(column, overflow="fold")
    for sense in senses:
        name, code = (sense.entry.concept.name, sense.entry.code) if sense.entry else ("no diagnosis", "")
        cells = (name, code, sense.kind, sense.spelling, _terms(sense.needs), _terms(sense.unless), sense.row)
        table.add_row(*map(escape, cells))
    return table


def _terms(terms: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(" ".join(term) for term in terms)
