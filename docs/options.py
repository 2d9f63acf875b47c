#!/usr/bin/env python3
"""Makes docs/options.md, a page of every option of every command, of what the programs say of themselves (--help).

  docs/options.py BIN            exit status 1 if docs/options.md is not what the programs in the folder BIN say, or a command that a page or
                                 a preset shows has an option or a subcommand that is not there
  docs/options.py BIN --write    writes docs/options.md
"""
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import links  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = pathlib.Path(__file__).resolve().parent / "options.md"
PROGRAMS = ["translator", "heatmap", "learn"]
HEAD = """# Options

Every option of every command, as `--help` gives it; `docs/options.py BIN --write` makes this page, and a test compares it with the programs.
What the programs read and write is described in [apps/README.md](../apps/README.md). In a TOML file (`--config`) a section is a subcommand and a
key is a long option without its dashes.
"""
TYPES = {"TEXT": "text", "INT": "number", "UINT": "number", "FLOAT": "number"}


def help_of(binary, *arguments):
    return subprocess.run([binary, *arguments, "--help"], check=True, capture_output=True, text=True).stdout


def read(text):
    """(description, groups, commands) of a help text; a group is (title, note, [[names, value, description]]), a command [name, description]."""
    description, groups, commands, last = "", [], [], None
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or stripped in ("Options:", "Subcommands:") and line != stripped or stripped.startswith("Usage: "):
            continue
        if not line.startswith(" "):
            title = re.sub(r"^\[Option Group: (.*)\]$", r"\1", stripped.rstrip(":"))
            if groups and not line.endswith(":") and not line.startswith("["):
                break  # the text behind the options
            if not groups and not line.endswith(":"):
                description += ("" if not description else " ") + stripped
            else:
                groups.append((title, [], []))
            last = None
            continue
        title, note, rows = groups[-1]
        entry = re.match(r" {2,4}(\S.*?)(?: {2,}(\S.*))?$", line)
        indented = len(line) - len(line.lstrip())
        if indented >= 20 and last is not None:  # a description on its own line
            last[-1] = (last[-1] + " " + stripped).strip()
        elif title == "Subcommands":
            last = [entry.group(1), entry.group(2) or ""]
            commands.append(last)
        elif stripped.startswith("-"):
            # A long name leaves one space in front of the description: it begins at column 30 in any case.
            # A space within a range, "INT in [0 - 10]", is none in front of a description.
            split = (len(line) > 30 and line[29] == " " and not line[:30].rstrip().endswith(":") and line[:30].count("[") == line[:30].count("]") and
                     not line[30:].startswith("["))
            given, about = (line[:30], line[30:]) if split else (line, "")
            names, _, value = given.strip().partition(" ")
            joined = re.match(r"(\S+?)(\{.*\})$", names)
            last = [(joined.group(1) if joined else names).split(","), value.strip(), about.strip()]
            rows.append(last)
        else:
            note.append(re.sub(r"^\[(.*)\]$", r"(\1)", stripped))
    return description, groups, commands


def value_text(value):
    """TEXT:{a,b}=a REQUIRED Needs: --run  ->  text: a, b; default `a`; required; needs `--run`"""
    said = []
    value = re.sub(r" ?\b(Needs|Excludes): ((?:-{0,2}[a-z]\S* ?)+)",
                   lambda match: said.append(f"{'needs' if match[1] == 'Needs' else 'not with'} " +
                                             ", ".join(f"`{name}`" for name in sorted(match[2].split()))) or "", value)
    if re.search(r"\bREQUIRED\b", value):
        said.insert(0, "required")
    value = re.sub(r" ?\bREQUIRED\b", "", value).strip()
    several = value.endswith("...")
    match = re.match(r"([A-Z]+)(?::(.*?))?(?:=(\S+))?$", value.removesuffix("...").strip())
    if not match:
        return "; ".join(([value] if value else []) + said)
    kind, limits, default = match.groups()
    first = TYPES.get(kind, kind.lower()) + (", several" if several else "")
    if limits:
        limits = {"POSITIVE": "above 0", "NONNEGATIVE": "0 or more"}.get(limits, limits)
        limits = re.sub(r"^\{(.*)\}$", lambda m: m[1].replace(",", ", "), limits)
        limits = re.sub(r"^[A-Z]+ in \[(.*) - (.*)\]$", r"\1 to \2", limits)
        first += f": {limits}"
    if kind == "BOOLEAN" and default:
        default = {"0": "false", "1": "true"}.get(default, default)
    return "; ".join([first] + ([f"default `{default.strip('[]')}`"] if default else []) + said)


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def shown_commands():
    """(place, command line) of the programs' calls in the code of pages and in the heads of presets."""
    call = re.compile(rf"(?:^|[\s/|])((?:{'|'.join(PROGRAMS)})\s[^|#<>]*)")
    for path in links.files_below(ROOT, ".md"):
        if path == PAGE or path.name == "CHANGELOG.md":  # what was true once
            continue
        text = path.read_text()
        code = [match.group() for match in links.FENCE.finditer(text)] + re.findall(r"`([^`\n]+)`", links.FENCE.sub("", text))
        for block in code:
            for line in block.replace("\\\n", " ").split("\n"):
                for match in call.finditer(line.split(" #")[0]):
                    yield path.relative_to(ROOT), match.group(1)
    for path in sorted((ROOT / "presets").glob("*.toml")):
        for match in re.finditer(r"^#   (\w+ (?:.*\\\n#  )*.*)", path.read_text(), re.M):
            yield path.relative_to(ROOT), re.sub(r"\\\n#", " ", match.group(1))


def mistakes_in_commands(known):
    """Of the commands that pages show; known[program, command] are the options, command "" the program's own."""
    mistakes, count = [], 0
    for place, line in shown_commands():
        words = line.split()
        program, given = words[0], words[1] if len(words) > 1 else ""
        command = given
        if (program, command) not in known:
            command = ""
            # A program with subcommands is called with one of them, or in words of a sentence not called at all.
            if any(key[0] == program and key[1] for key in known) and re.match(r"[a-z]+$", given) and given != "help":
                mistakes.append(f"{place}: '{line.strip()}': {program} has no '{given}'")
                continue
        count += 1
        for word in words[1:]:
            option = re.match(r"\[?(--?[a-z][a-z0-9-]*)", word)
            if option and option.group(1) not in known[program, command] | {"--help"}:
                mistakes.append(f"{place}: '{line.strip()}': no option {option.group(1)}")
    if count < 20:
        mistakes.append(f"understood {count} commands in the pages only")
    return mistakes, count


def section(title, text, level):
    description, groups, commands = read(text)
    lines = [f"{'#' * level} {title}", "", cell(description[:1].upper() + description[1:].rstrip(".")) + ".", ""]
    for name, note, rows in groups:
        if not rows:
            continue
        lines += [f"**{name}**" + (f": {cell(' '.join(note))}" if note else ""), "", "| option | value | what it does |", "|---|---|---|"]
        for names, value, about in rows:
            lines.append(f"| {', '.join(f'`{one}`' for one in names)} | {cell(value_text(value))} | {cell(about)} |")
        lines.append("")
    return lines, commands, {name for _, _, rows in groups for names, _, _ in rows for name in names}


def page(folder):
    """The page, and the options of each (program, command), "" being the program's own."""
    lines, known = [HEAD], {}
    for program in PROGRAMS:
        binary = str(folder / program)
        made, commands, known[program, ""] = section(program, help_of(binary), 2)
        lines += made
        for command, _ in commands:
            made, inner, options = section(f"{program} {command}", help_of(binary, command), 3)
            known[program, command] = options | known[program, ""]
            lines += made
            for name, _ in inner:  # translator data get
                made, _, options = section(f"{program} {command} {name}", help_of(binary, command, name), 4)
                known[program, command] |= options
                lines += made
    text = "\n".join(lines).rstrip("\n") + "\n"
    if text.count("\n| `") < 30:
        raise SystemExit("docs/options.py: understood fewer than 30 options")
    return text, known


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        raise SystemExit(__doc__)
    text, known = page(pathlib.Path(sys.argv[1]).resolve())
    if sys.argv[2:]:
        PAGE.write_text(text)
    mistakes, commands = mistakes_in_commands(known)
    held = PAGE.read_text()
    if held == text and not mistakes:
        print(f"docs/options.md has the options of {', '.join(PROGRAMS)}; {commands} commands in pages and presets know no other")
        return
    print("\n".join(mistakes))
    if held == text:
        raise SystemExit(1)
    wanted, there = text.split("\n"), held.split("\n")
    for line in wanted:
        if line not in there:
            print(f"docs/options.md lacks: {line}")
    for line in there:
        if line not in wanted:
            print(f"docs/options.md has what no program says: {line}")
    raise SystemExit("docs/options.md is not what the programs say: docs/options.py BIN --write")


main()
