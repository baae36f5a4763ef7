"""Names that PostgreSQL brings with it."""

BUILT_IN_TYPES = frozenset(
    """
any anyarray anyelement anyenum bit bool box bpchar bytea char cid cidr circle cstring date daterange datemultirange
event_trigger float4 float8 inet int2 int4 int4multirange int4range int8 int8multirange int8range internal interval json jsonb
jsonpath line lseg macaddr macaddr8 money name nummultirange numrange numeric oid path point polygon record refcursor regclass
regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype serial smallserial
bigserial serial2 serial4 serial8 text tid time timestamp timestamptz timetz trigger tsmultirange tsquery tsrange tstzmultirange
tstzrange tsvector uuid varbit varchar void xid xid8 xml
""".split()
)
"""Types of pg_catalog (pg_type of 18, those that tables and functions use), and the serials: no migration makes them."""
