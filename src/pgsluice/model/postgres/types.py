"""Types by the names that format_type prints.

Source: format_type_extended in src/backend/utils/adt/format_type.c (the same in 14 to 18).
"""

_PRINTED = {
    "bool": "boolean",
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}

INTEGER_MAXIMA = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def printed(name: str, modifier: str = "", *, array: bool = False) -> str:
    """How the server prints the type that pg_type calls `name`; `modifier` is the inside of its brackets, such as '10,2'."""
    base = _PRINTED.get(name, name)
    if modifier:
        first, *rest = base.split(" ", 1) if base.startswith("time") else (base,)
        base = f"{first}({modifier.replace(' ', '')})" + (f" {rest[0]}" if rest else "")
    return base + ("[]" if array else "")
