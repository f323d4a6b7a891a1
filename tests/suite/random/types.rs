//! The column types that are tried.

/// What the generator knows of a column type.
pub struct Type {
    pub sql: &'static str,
    pub defaults: &'static [&'static str],
    /// `{c}` is the column.
    pub checks: &'static [&'static str],
    pub ordered: bool,
}

const fn ty(
    sql: &'static str,
    ordered: bool,
    defaults: &'static [&'static str],
    checks: &'static [&'static str],
) -> Type {
    Type { sql, defaults, checks, ordered }
}

#[rustfmt::skip]
pub const TYPES: &[Type] = &[
    ty("integer", true, &["7", "(1 + 2)", "-1"], &["{c} > -100", "{c} <> 13", "{c} BETWEEN -1000000 AND 1000000", "{c} IS NULL OR {c} > -50"]),
    ty("integer", true, &["0", "42"], &["{c} >= -1", "{c} NOT IN (666, 667)"]),
    ty("bigint", true, &["0", "9000000000"], &["{c} > -5", "abs({c}) >= 0"]),
    ty("smallint", true, &["1"], &["{c} < 32000"]),
    ty("text", true, &["'none'", "''", "lower('ABC')", "'it''s'"], &["{c} <> ''", "length({c}) < 2000", "{c} NOT LIKE 'zzz%'", "{c} !~ '^q{9}'"]),
    ty("text", true, &["CURRENT_USER", "'1 hour'"], &["{c} IS DISTINCT FROM 'bad'", "char_length({c}) > 0"]),
    ty("character varying(20)", true, &["'v'"], &["{c} <> 'x'"]),
    ty("character varying(200)", true, &["'v'::character varying", "'wide'"], &[]),
    ty("character(3)", true, &["'abc'"], &[]),
    ty("boolean", true, &["true", "false"], &["{c} IN (true, false)"]),
    ty("numeric(10,2)", true, &["0", "1.50", "0.00"], &["{c} >= 0", "{c} < 1000000.5"]),
    ty("numeric", true, &["1e3"], &[]),
    ty("double precision", true, &["0", "random()"], &["{c} > -1e300"]),
    ty("timestamp with time zone", true, &["now()", "CURRENT_TIMESTAMP", "'2020-01-01 00:00:00+00'"], &["{c} > '1970-01-01 00:00:00+00'"]),
    ty("timestamp without time zone", true, &["localtimestamp", "'2021-02-03 04:05:06'"], &["{c} < 'infinity'"]),
    ty("date", true, &["CURRENT_DATE", "'2022-01-01'"], &["{c} > '1900-01-01'"]),
    ty("interval", true, &["'1 hour'", "'1 day 02:00:00'"], &["{c} >= '00:00:00'"]),
    ty("uuid", true, &["gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"], &[]),
    ty("jsonb", false, &["'{}'", "'[]'::jsonb", "'{\"a\": 1}'"], &["jsonb_typeof({c}) <> 'null'"]),
    ty("json", false, &["'{}'"], &[]),
    ty("bytea", true, &["'\\x00'"], &["octet_length({c}) < 100000"]),
    ty("inet", true, &["'127.0.0.1'"], &[]),
    ty("text[]", true, &["'{}'", "ARRAY['a', 'b']", "ARRAY[]::text[]"], &["cardinality({c}) < 1000"]),
    ty("integer[]", true, &["'{1,2}'"], &[]),
    ty("int4range", false, &["'[1,5)'"], &["NOT isempty({c})"]),
    ty("time without time zone", true, &["'12:00:00'"], &[]),
];

/// Types a column may go to: every value of the first is one of the second.
pub const WIDER: &[(&str, &str)] = &[
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("integer", "numeric"),
    ("integer", "text"),
    ("bigint", "numeric"),
    ("bigint", "text"),
    ("integer", "double precision"),
    ("character varying(20)", "character varying(200)"),
    ("character varying(20)", "text"),
    ("character varying(200)", "text"),
    ("character(3)", "text"),
    ("numeric(10,2)", "numeric"),
    ("boolean", "text"),
    ("uuid", "text"),
    ("date", "timestamp without time zone"),
    ("timestamp without time zone", "timestamp with time zone"),
    ("timestamp with time zone", "timestamp without time zone"),
    ("json", "jsonb"),
    ("jsonb", "json"),
    ("text", "character varying(200)"),
    ("inet", "text"),
    ("integer[]", "bigint[]"),
];

pub fn type_of(sql: &str) -> Option<&'static Type> {
    TYPES.iter().find(|it| it.sql == sql)
}
