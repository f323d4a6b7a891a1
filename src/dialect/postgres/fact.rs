//! Facts as conditions that a server can decide.

use super::{probe::regclass, render};
use crate::{
    plan::Fact,
    sql::{Ident, Name, ObjectRef},
};

/// A boolean expression. `None`: there is no look-up for it that is sure.
pub(super) fn condition(fact: &Fact) -> Option<String> {
    let not = |is: bool| if is { "" } else { "NOT " };
    Some(match fact {
        Fact::Holds(object) => found(object)?,
        Fact::Lacks(object) => format!("NOT {}", found(object)?),
        Fact::NotNull { table, column, is } => attribute(table, column, &format!("{}attnotnull", not(*is))),
        Fact::Identity { table, column, is } => {
            attribute(table, column, if *is { "attidentity <> ''" } else { "attidentity = ''" })
        }
        // The name of a type of one's own depends on the search path.
        Fact::Type { ty, .. } if ty.schema.is_some() => return None,
        Fact::Type { table, column, ty } => attribute(
            table,
            column,
            &format!("format_type(atttypid, atttypmod) = {}", render::literal(&render::data_type(ty))),
        ),
        Fact::Validated { table, name, is } => format!(
            "EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({}) AND conname = {} AND {}convalidated)",
            regclass(table),
            literal(name),
            not(*is)
        ),
        Fact::Partition { parent, partition, is } => format!(
            "{0}EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass({1}) AND inhparent = to_regclass({2}))",
            not(*is),
            regclass(partition),
            regclass(parent)
        ),
        Fact::Label { ty, label, is } => format!(
            "{}EXISTS (SELECT FROM pg_enum WHERE enumtypid = to_regtype({}) AND enumlabel = {})",
            not(*is),
            regclass(ty),
            render::literal(label)
        ),
        Fact::IndexOn { index, shape } => {
            let names: Vec<String> = shape.columns.iter().map(literal).collect();
            format!(
                "EXISTS (SELECT FROM pg_index i WHERE indexrelid = to_regclass({}) AND indisvalid AND {}indisunique AND indpred IS {}NULL AND ARRAY(SELECT attname::text \
                 FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND attnum <= indnkeyatts ORDER BY attnum) = ARRAY[{}])",
                regclass(index),
                not(shape.unique),
                not(!shape.partial),
                names.join(", ")
            )
        }
    })
}

/// The object is there. `None` for kinds without a look-up that is sure.
pub(super) fn found(object: &ObjectRef) -> Option<String> {
    let relation = |name: &Name, kinds: &str| {
        format!("EXISTS (SELECT FROM pg_class WHERE oid = to_regclass({}) AND relkind IN ({kinds}))", regclass(name))
    };
    let part = |catalog: &str, owner: &str, column: &str, of: &Name, name: &Ident| {
        format!(
            "EXISTS (SELECT FROM {catalog} WHERE {owner} = to_regclass({}) AND {column} = {})",
            regclass(of),
            literal(name)
        )
    };
    Some(match object {
        ObjectRef::Schema(it) => format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {})", literal(it)),
        ObjectRef::Extension(it) => format!("EXISTS (SELECT FROM pg_extension WHERE extname = {})", literal(it)),
        ObjectRef::Table(it) => relation(it, "'r', 'p', 'f'"),
        ObjectRef::View(it) => relation(it, "'v', 'm'"),
        ObjectRef::Index(it) => relation(it, "'i', 'I'"),
        ObjectRef::Sequence(it) => relation(it, "'S'"),
        ObjectRef::Type(it) => format!("(to_regtype({}) IS NOT NULL)", regclass(it)),
        ObjectRef::Column(table, it) => attribute(table, it, "true"),
        ObjectRef::Constraint(table, it) => part("pg_constraint", "conrelid", "conname", table, it),
        ObjectRef::Trigger(table, it) => part("pg_trigger", "tgrelid", "tgname", table, it),
        ObjectRef::Policy(table, it) => part("pg_policy", "polrelid", "polname", table, it),
        ObjectRef::Rule(table, it) => part("pg_rewrite", "ev_class", "rulename", table, it),
        ObjectRef::Statistics(it) => format!(
            "EXISTS (SELECT FROM pg_statistic_ext WHERE stxname = {} AND stxnamespace = to_regnamespace({}))",
            literal(&it.name),
            render::literal(&render::quote(it.schema.as_ref().unwrap_or(&Ident::new("public"))))
        ),
        ObjectRef::DomainConstraint(domain, it) => format!(
            "EXISTS (SELECT FROM pg_constraint WHERE contypid = to_regtype({}) AND conname = {})",
            regclass(domain),
            literal(it)
        ),
        ObjectRef::Function(it, args) => {
            let args: Vec<String> = args.iter().map(render::data_type).collect();
            let signature = format!("{}({})", render::name(it), args.join(", "));
            format!("(to_regprocedure({}) IS NOT NULL)", render::literal(&signature))
        }
        ObjectRef::Collation(_) | ObjectRef::Other(..) => return None,
    })
}

fn attribute(table: &Name, column: &Ident, is: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass({}) AND attname = {} AND NOT attisdropped AND {is})",
        regclass(table),
        literal(column)
    )
}

fn literal(ident: &Ident) -> String {
    render::literal(ident.as_str())
}
