"""The paper that travels down a chain: the request on top, and beneath it what each agent has added, by heading."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from examples.tables import without_tables
from examples.wording import sentences

# Only these headings belong to the worksheet, so that a heading in the request stays part of the request.
SECTIONS = ("Outline", "Draft", "Search", "Findings", "Sources", "Report")
_HEADING = re.compile(rf"## ({'|'.join(SECTIONS)})")
_ITEM = re.compile(r"\s*([-*•]|\d+[.)])\s+")
_SET_APART = re.compile(rf"{_ITEM.pattern}|\s*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worksheet:
    request: str
    sections: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Worksheet":
        """Take an instruction apart; a plain instruction is all request."""
        sections: dict[str, list[str]] = {"": []}
        current = ""
        for line in text.splitlines():
            heading = _HEADING.fullmatch(line.strip())
            if heading:
                current = heading[1]
                sections.setdefault(current, [])
            else:
                sections[current].append(line)
        joined = {name: "\n".join(lines).strip() for name, lines in sections.items()}
        return cls(request=joined.pop(""), sections=joined)

    def with_section(self, name: str, text: str) -> "Worksheet":
        return Worksheet(request=self.request, sections={**self.sections, name: text.strip()})

    def with_line(self, line: str) -> "Worksheet":
        """Add a line to the request, such as what a person has answered; set apart, lest a table swallow it."""
        return Worksheet(request=f"{self.request}\n\n{line}", sections=self.sections)

    def __str__(self) -> str:
        parts = [self.request, *(f"## {name}\n{text}" for name, text in self.sections.items())]
        return "\n\n".join(part for part in parts if part)


def prose(text: str) -> str:
    """Give what is said in running text, without tables, list items and quoted lines."""
    return "\n".join(line for line in without_tables(text).splitlines() if not _SET_APART.match(line))


def material(text: str) -> str:
    """Give what `prose` leaves out: tables, list items and quoted lines, as they stand."""
    spoken = prose(text).splitlines()
    kept = []
    for line in text.splitlines():
        if spoken and line == spoken[0]:
            spoken.pop(0)
        else:
            kept.append(line)
    return "\n".join(kept).strip()


def items(text: str) -> list[str]:
    """Give the list items of a text, without their bullets."""
    lines = without_tables(text).splitlines()
    return [line.strip()[match.end() :].strip() for line in lines if (match := _ITEM.match(line.strip()))]


def quoted(text: str) -> str:
    """Give the lines quoted with '>', without the marks."""
    return "\n".join(line.strip()[1:].strip() for line in text.splitlines() if line.strip().startswith(">"))


def statements(text: str) -> list[str]:
    return sentences(prose(text))
