"""SQL, durations and counts in the length that a line has room for."""


def one_line(sql: str, width: int = 100) -> str:
    """The text on one line, cut to `width` characters."""
    line = " ".join(sql.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def indented(text: str, prefix: str) -> str:
    """Each line of the text behind the prefix."""
    return "\n".join(prefix + line if line.strip() else "" for line in text.strip("\n").splitlines())


def duration(seconds: float) -> str:
    """`0.4 ms`, `31 ms`, `2.5 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(number: int) -> str:
    """Bytes: `512 B`, `1.5 MB`."""
    left = float(number)
    for unit in ("B", "kB", "MB"):
        if abs(left) < 1000:
            return f"{left:.0f} {unit}" if unit == "B" else f"{left:.1f} {unit}"
        left /= 1000
    return f"{left:.1f} GB"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 step`, `2 steps`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
