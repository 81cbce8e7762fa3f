#!/usr/bin/env python3
"""make-man-3.py HEADER VERSION: strongroom(3) on stdout, made of the comments and declarations of the public header.

What it expects of the header: comments before what they are about; a comment that begins with a line in capitals begins a chapter; a
comment behind a member of a struct or an enum is about that member. Whatever else is there is an error, not left out.
"""
import re
import sys
import textwrap

header, version = sys.argv[1:]
source = open(header, encoding="utf-8").read()


def text(s):
    """Prose for roff."""
    s = s.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", s, flags=re.M)


def prose(s):
    """Functions that a text names are bold."""
    return re.sub(r"\b(sr_\w+\(\)|SR_[A-Z0-9_]+)", r"\\fB\1\\fR", text(s))


def unwrap(comment):
    """A comment's text: without stars, as paragraphs (lists of lines)."""
    body = re.sub(r"^\s*/\*+|\*+/\s*$", "", comment)
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in body.split("\n")]
    groups, current = [], []
    for line in lines + [""]:
        if line.strip():
            current.append(line)
        elif current:
            groups.append(current)
            current = []
    return groups


def said(comment):
    """The same as one line."""
    return " ".join(" ".join(" ".join(g) for g in unwrap(comment)).split())


def is_title(lines):
    return len(lines) == 1 and re.fullmatch(r"[A-Z][A-Z ]+", lines[0].strip())


def paragraphs(groups, out, first=".PP"):
    for lines in groups:
        if is_title(lines):
            out.append(f'.SH "{lines[0].strip()}"')
            first = None
        elif lines[0].startswith("    "):
            out += [".PP", ".EX", *(text(line) for line in lines), ".EE"]
            first = ".PP"
        else:
            if first:
                out.append(first)
            out.append(prose(" ".join(line.strip() for line in lines)))
            first = ".PP"


def prototype(declaration):
    """A function's declaration on lines of at most 76 columns."""
    flat = " ".join(declaration.replace("SR_MUST_USE", "").split())
    name, parameters = flat.split("(", 1)
    parameters = parameters.replace(" ", "\0").replace(",\0", ", ")  # lines end behind a comma
    lines = textwrap.wrap(name.replace(" ", "\0") + "(" + parameters, 70, subsequent_indent=" " * 8)
    return [".nf", *(f"\\fB{text(line)}\\fR".replace("\0", " ") for line in lines), ".fi"]


def members(declaration, out):
    """A struct or an enum: each member with what is said of it."""
    head, body = declaration.split("{", 1)
    body = body.rsplit("}", 1)[0].rstrip()
    end = "," if head.startswith("enum") else ";"
    out += [".PP", f"\\fB{text(head.strip())}\\fR:", ".RS 4"]
    while body:
        if m := re.match(r"\s*(/\*.*?\*/)", body, re.S):  # on lines of its own: about those below
            out += [".PP", prose(said(m[1]))]
        elif m := re.match(rf"\s*([^{end}/]+){end}?[ \t]*(/\*.*?\*/)?", body, re.S):
            out += [".TP", f"\\fB{text(' '.join(m[1].split()))}\\fR", prose(said(m[2] or "")) or "\\&"]
        else:
            sys.exit(f"make-man-3: what is this? {body[:60]!r}")
        body = body[m.end():]
    out.append(".RE")


def tokens():
    """Comments and declarations, in order, from inside the header's guards."""
    at = 0
    while at < len(source):
        rest = source[at:]
        if m := re.match(r"\s+", rest):
            pass
        elif m := re.match(r"/\*.*?\*/", rest, re.S):
            yield "comment", m[0]
        elif m := re.match(r'extern "C" \{|\}\s*(?=#endif)', rest):
            pass
        elif m := re.match(r"#define (SR_\w+) +(.+)", rest):
            if not m[2].startswith("__attribute__"):
                yield "macro", m[0]
        elif m := re.match(r"#.*", rest):
            pass
        elif m := re.match(r"[^;{]*(\{.*?\n\})?\s*;", rest, re.S):
            yield "declaration", m[0]
        else:
            sys.exit(f"make-man-3: what is this? {rest[:60]!r}")
        at += m.end()


def names():
    return re.findall(r"^(?:SR_MUST_USE )?(?:const |enum |struct |unsigned )*\w+ \**(sr_\w+)\(", source, re.M)


def main():
    out = [f'.TH STRONGROOM 3 "" "strongroom {version}" "Library Functions"', ".SH NAME",
           ", ".join(["strongroom", *names()]) + " \\- " + "a vault's keys, secrets and certificates, and data sealed under them",
           ".SH SYNOPSIS", ".B #include <strongroom.h>", ".SH DESCRIPTION"]
    pending, first = [], True

    def flush(kind=".RS 4"):
        if pending:
            out.append(kind)
            paragraphs(pending, out, None)
            if kind == ".RS 4":
                out.append(".RE")
        pending.clear()

    for kind, piece in tokens():
        if kind == "comment":
            groups = unwrap(piece)
            if first or is_title(groups[0]):
                flush(".PP")
                paragraphs(groups, out, None if first else ".PP")
                first = False
            else:
                flush(".PP")
                pending.extend(groups)
        elif kind == "macro":
            value = piece.split(None, 1)[1]
            code, _, said = value.partition("/*")
            out.extend([".TP", f"\\fB{text(code.strip())}\\fR", prose(said.rstrip("*/ ").strip()) or "\\&"])
        elif "{" in piece:
            flush(".PP")
            members(piece, out)
        elif "(" in piece:
            out.append(".PP")
            out.extend(prototype(piece))
            flush()
        else:
            out.extend([".PP", f"\\fB{text(piece)}\\fR"])
            flush()
    flush(".PP")
    out += [".SH \"SEE ALSO\"", ".BR strongroom (1)"]
    print("\n".join(line for line in out if line is not None))


main()
