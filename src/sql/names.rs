//! Identifiers as the catalog knows them: folded, unquoted, cut at 63 bytes.

use std::fmt;

use smol_str::SmolStr;

/// An identifier as the server stores it: case already folded if it was unquoted, quotes removed.
///
/// PostgreSQL keeps 63 bytes and cuts the rest without an error (manual 4.1.1), so does [`Ident::new`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ident(SmolStr);

impl Ident {
    /// Bytes of a name that PostgreSQL keeps (NAMEDATALEN − 1).
    pub const MAX_BYTES: usize = 63;

    /// A name as stored: taken literally (no folding), cut at 63 bytes on a character boundary.
    pub fn new(name: &str) -> Self {
        Self(SmolStr::new(&name[..name.floor_char_boundary(Self::MAX_BYTES)]))
    }

    /// An unquoted name: ASCII letters folded to lower case, as PostgreSQL does in UTF-8 databases.
    pub fn folded(name: &str) -> Self {
        Self::new(&name.to_ascii_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Ident {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// The bare name, for messages. SQL text goes through the dialect, which quotes.
impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A name that may carry its schema. In a catalog every name carries one; from the parser it may not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name {
    pub schema: Option<Ident>,
    pub name: Ident,
}

impl Name {
    pub fn bare(name: &str) -> Self {
        Self { schema: None, name: Ident::new(name) }
    }

    pub fn new(schema: &str, name: &str) -> Self {
        Self { schema: Some(Ident::new(schema)), name: Ident::new(name) }
    }

    /// Another object in the same schema.
    pub fn sibling(&self, name: impl Into<Ident>) -> Self {
        Self { schema: self.schema.clone(), name: name.into() }
    }
}

/// `name`, or `schema.name` where the schema is not `public`: the form used in messages and ids.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) if schema.as_str() != "public" => write!(f, "{schema}.{}", self.name),
            _ => write!(f, "{}", self.name),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Points at any object of a schema. The key of origins, comments, grants and dependencies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectRef {
    Schema(Ident),
    /// A table, partitioned or not, or a foreign table.
    Table(Name),
    Column(Name, Ident),
    Constraint(Name, Ident),
    Index(Name),
    Sequence(Name),
    /// Enum, domain, composite or range type.
    Type(Name),
    DomainConstraint(Name, Ident),
    /// A view or a materialized view.
    View(Name),
    /// A function, procedure or aggregate, with its input types.
    Function(Name, Vec<super::DataType>),
    Trigger(Name, Ident),
    Policy(Name, Ident),
    Rule(Name, Ident),
    Extension(Ident),
    Statistics(Name),
    Collation(Name),
    /// What has no variant of its own: kind in SQL's words ("PUBLICATION"), and name.
    Other(SmolStr, Name),
}

impl ObjectRef {
    /// The relation this object is, or is part of.
    pub fn relation(&self) -> Option<&Name> {
        match self {
            Self::Table(it) | Self::View(it) | Self::Index(it) | Self::Sequence(it) => Some(it),
            Self::Column(it, _) | Self::Constraint(it, _) | Self::Trigger(it, _) => Some(it),
            Self::Policy(it, _) | Self::Rule(it, _) => Some(it),
            _ => None,
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(it) | Self::Extension(it) => write!(f, "{it}"),
            Self::Table(it) | Self::Index(it) | Self::Sequence(it) | Self::Type(it) => write!(f, "{it}"),
            Self::View(it) | Self::Statistics(it) | Self::Collation(it) => write!(f, "{it}"),
            Self::Column(table, it) | Self::Constraint(table, it) => write!(f, "{table}.{it}"),
            Self::Trigger(table, it) | Self::Policy(table, it) => write!(f, "{table}.{it}"),
            Self::Rule(table, it) | Self::DomainConstraint(table, it) => write!(f, "{table}.{it}"),
            Self::Function(it, args) => {
                write!(f, "{it}(")?;
                for (i, arg) in args.iter().enumerate() {
                    write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Other(kind, it) => write!(f, "{} {it}", kind.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_at_63_bytes_on_a_character_boundary() {
        assert_eq!(Ident::new(&"a".repeat(70)).as_str().len(), 63);
        assert_eq!(Ident::new(&"é".repeat(40)).as_str().len(), 62);
    }

    #[test]
    fn only_ascii_letters_are_folded() {
        assert_eq!(Ident::folded("ÄBC").as_str(), "Äbc");
    }
}
