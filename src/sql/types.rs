//! Data types, in the spelling of the server's own catalog.

use std::fmt;

use smol_str::SmolStr;

use super::Ident;

/// A data type. Built-in types carry PostgreSQL's canonical name (`format_type`): `int`, `int4` and
/// `integer` are all `integer`; `varchar(10)` is `character varying` with one modifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DataType {
    /// Schema of a user-defined type; `None` for built-in types and, before resolution, for bare names.
    pub schema: Option<Ident>,
    /// Canonical built-in name (may hold spaces: `timestamp with time zone`, `interval day to second`), or the
    /// stored (unquoted) name of a user-defined type. The pseudo types `smallserial`, `serial` and
    /// `bigserial` appear only in parsed columns; the catalog expands them.
    pub name: SmolStr,
    /// Type modifiers as written, without spaces: `["10", "2"]`.
    pub modifiers: Vec<SmolStr>,
    /// An array of any number of dimensions; PostgreSQL does not tell them apart (manual 8.15.1).
    pub array: bool,
}

/// Names as `format_type` prints them (`pg_type` of PostgreSQL 13 to 18). Sorted.
#[rustfmt::skip]
const BUILTIN: &[&str] = &[
    "\"any\"", "\"char\"", "aclitem", "anyarray", "anycompatible", "anycompatiblearray", "anycompatiblemultirange",
    "anycompatiblenonarray", "anycompatiblerange", "anyelement", "anyenum", "anymultirange", "anynonarray",
    "anyrange", "bigint", "bit", "bit varying", "boolean", "box", "bpchar", "bytea", "character", "character varying",
    "cid", "cidr", "circle", "cstring", "date", "datemultirange", "daterange", "double precision", "event_trigger",
    "fdw_handler", "gtsvector", "index_am_handler", "inet", "int2vector", "int4multirange", "int4range",
    "int8multirange", "int8range", "integer", "internal", "interval", "json", "jsonb", "jsonpath", "language_handler",
    "line", "lseg", "macaddr", "macaddr8", "money", "name", "numeric", "nummultirange", "numrange", "oid",
    "oidvector", "path", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "pg_ddl_command", "pg_dependencies",
    "pg_lsn", "pg_mcv_list", "pg_ndistinct", "pg_node_tree", "pg_snapshot", "point", "polygon", "real", "record",
    "refcursor", "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator",
    "regproc", "regprocedure", "regrole", "regtype", "smallint", "table_am_handler", "text", "tid",
    "time with time zone", "time without time zone", "timestamp with time zone", "timestamp without time zone",
    "trigger", "tsm_handler", "tsmultirange", "tsquery", "tsrange", "tstzmultirange", "tstzrange", "tsvector",
    "txid_snapshot", "unknown", "uuid", "void", "xid", "xid8", "xml",
];

impl DataType {
    pub fn builtin(name: &str) -> Self {
        Self { schema: None, name: name.into(), modifiers: Vec::new(), array: false }
    }

    pub fn with_modifiers(name: &str, modifiers: &[&str]) -> Self {
        Self { modifiers: modifiers.iter().map(SmolStr::new).collect(), ..Self::builtin(name) }
    }

    /// A type of PostgreSQL itself (by its canonical name), as opposed to one that somebody created.
    pub fn is_builtin(&self) -> bool {
        let pseudo = ["serial", "smallserial", "bigserial"];
        self.schema.is_none()
            && (BUILTIN.binary_search(&self.name.as_str()).is_ok()
                || self.name.starts_with("interval ")
                || pseudo.contains(&self.name.as_str()))
    }

    /// The integer type behind `smallserial`, `serial` or `bigserial`.
    pub fn serial_base(&self) -> Option<Self> {
        match self.name.as_str() {
            "smallserial" => Some(Self::builtin("smallint")),
            "serial" => Some(Self::builtin("integer")),
            "bigserial" => Some(Self::builtin("bigint")),
            _ => None,
        }
    }
}

/// The canonical spelling, e.g. `timestamp(3) with time zone`, `numeric(10,2)[]`. Names of user-defined
/// types appear raw; the dialect's renderer quotes.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema
            && schema.as_str() != "public"
        {
            write!(f, "{schema}.")?;
        }
        let modifiers = match self.modifiers.as_slice() {
            [] => String::new(),
            some => format!("({})", some.join(",")),
        };
        match self.name.as_str() {
            "timestamp with time zone" => write!(f, "timestamp{modifiers} with time zone")?,
            "timestamp without time zone" => write!(f, "timestamp{modifiers} without time zone")?,
            "time with time zone" => write!(f, "time{modifiers} with time zone")?,
            "time without time zone" => write!(f, "time{modifiers} without time zone")?,
            name => write!(f, "{name}{modifiers}")?,
        }
        if self.array { f.write_str("[]") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_names_are_sorted_and_known() {
        assert!(BUILTIN.is_sorted_by(|a, b| a < b));
        assert!(
            ["integer", "\"char\"", "interval day to second", "bigserial"]
                .iter()
                .all(|it| DataType::builtin(it).is_builtin())
        );
        assert!(!DataType::builtin("mood").is_builtin());
    }

    #[test]
    fn modifiers_stand_where_the_server_prints_them() {
        assert_eq!(
            DataType::with_modifiers("timestamp with time zone", &["3"]).to_string(),
            "timestamp(3) with time zone"
        );
        assert_eq!(DataType::with_modifiers("numeric", &["10", "2"]).to_string(), "numeric(10,2)");
    }
}
