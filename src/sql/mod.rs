//! The one vocabulary for SQL: names, types, expressions, schema objects, [`Ddl`] and parsed [`Statement`]s.
//!
//! Values, and names in text found by tokens. How a database spells the rest is the dialect's business; what they add up to is the catalog's.
//! May use nothing. Deliberately not here: parsing (see `dialect`), resolution of names (see `catalog`).

mod code;
mod ddl;
mod expr;
mod names;
mod object;
mod quoting;
mod runs;
mod statement;
pub mod tokens;
mod types;

pub use code::{Arm, Code, CodeStep, StepKind, statements as code_statements, walk as walk_code};
pub use ddl::*;
pub use expr::Expr;
pub use names::{Ident, Name, ObjectRef};
pub use object::*;
pub use quoting::{dotted, is_keyword, literal, quote, quote_name};
pub use runs::{Runs, Wrap};
pub use statement::*;
pub use types::DataType;
