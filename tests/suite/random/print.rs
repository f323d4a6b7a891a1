//! A world as SQL, as a person would keep it in a schema file.

use std::collections::BTreeMap;

use super::world::*;

/// A name in quotes where it needs them.
pub fn quoted(name: &str) -> String {
    let plain = name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
    if plain && !["order", "user", "select", "group"].contains(&name) { name.into() } else { format!("\"{name}\"") }
}

pub fn sql(world: &World) -> String {
    let mut names: BTreeMap<(char, Id), String> = BTreeMap::new();
    for object in &world.objects {
        let name = quoted(&object.name);
        // An index lives in the schema of its table.
        let home = match &object.kind {
            Kind::Index(it) => world.object(it.table).and_then(|it| it.schema),
            _ => object.schema,
        };
        let schema = home.and_then(|it| world.object(it)).map(|it| quoted(&it.name));
        names.insert(('o', object.id), schema.map_or(name.clone(), |it| format!("{it}.{name}")));
        let columns: Vec<(Id, &String)> = match &object.kind {
            Kind::Table(it) => it.columns.iter().map(|it| (it.id, &it.name)).collect(),
            Kind::View(it) => it.items.iter().map(|it| (it.0, &it.2)).collect(),
            Kind::Composite(it) => it.iter().map(|it| (it.0, &it.1)).collect(),
            _ => Vec::new(),
        };
        names.extend(columns.into_iter().map(|(id, name)| (('c', id), quoted(name))));
    }
    let mut printer = Printer { names, late: Vec::new(), out: Vec::new() };
    world.objects.iter().for_each(|it| printer.object(it));
    printer.out.append(&mut printer.late);
    printer.out.iter().map(|it| format!("{it};\n")).collect()
}

struct Printer {
    names: BTreeMap<(char, Id), String>,
    /// Foreign keys that close a circle, owners of sequences, comments, grants.
    late: Vec<String>,
    out: Vec<String>,
}

impl Printer {
    fn name(&self, id: Id) -> &str {
        &self.names[&('o', id)]
    }

    fn text(&self, text: &str) -> String {
        let mut res = text.to_owned();
        for (kind, id) in references(text) {
            res = res.replace(&format!("{{{kind}{id}}}"), &self.names[&(kind, id)]);
        }
        res
    }

    fn columns(&self, ids: &[Id]) -> String {
        ids.iter().map(|it| self.names[&('c', *it)].as_str()).collect::<Vec<_>>().join(", ")
    }

    fn texts(&self, texts: &[String]) -> String {
        texts.iter().map(|it| self.text(it)).collect::<Vec<_>>().join(", ")
    }

    fn object(&mut self, object: &Object) {
        let name = self.name(object.id).to_owned();
        let renamed = object.was.as_ref().map(|it| format!("-- @renamed from={it}\n")).unwrap_or_default();
        // What COMMENT and GRANT call it.
        let mut target = String::new();
        let statement = match &object.kind {
            Kind::Schema => {
                target = format!("SCHEMA {name}");
                format!("CREATE SCHEMA {name}")
            }
            Kind::Extension => format!("CREATE EXTENSION {name}"),
            Kind::Enum(labels) => {
                target = format!("TYPE {name}");
                let labels: Vec<_> = labels.iter().map(|it| format!("'{}'", it.replace('\'', "''"))).collect();
                format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
            }
            Kind::Domain { base, default, not_null, checks } => {
                target = format!("DOMAIN {name}");
                let mut res = format!("CREATE DOMAIN {name} AS {base}");
                res += &default.map(|it| format!(" DEFAULT {it}")).unwrap_or_default();
                res += if *not_null { " NOT NULL" } else { "" };
                checks.iter().for_each(|(id, it)| res += &format!(" CONSTRAINT d{id} CHECK ({it})"));
                res
            }
            Kind::Composite(list) => {
                target = format!("TYPE {name}");
                let list: Vec<_> = list.iter().map(|it| format!("{} {}", quoted(&it.1), self.text(&it.2))).collect();
                format!("CREATE TYPE {name} AS ({})", list.join(", "))
            }
            Kind::Sequence { options, owner } => {
                target = format!("SEQUENCE {name}");
                if let Some((table, column)) = owner {
                    let column = format!("{}.{}", self.name(*table), self.columns(&[*column]));
                    self.late.push(format!("ALTER SEQUENCE {name} OWNED BY {column}"));
                }
                let options: String = options.iter().map(|(key, value)| format!(" {key}{value}")).collect();
                format!("CREATE SEQUENCE {name}{options}")
            }
            Kind::Function(it) => {
                let types: Vec<_> = it.args.iter().map(|it| self.text(&it.1)).collect();
                let word = if it.returns.is_some() { "FUNCTION" } else { "PROCEDURE" };
                target = format!("{word} {name}({})", types.join(", "));
                self.function(&name, word, it)
            }
            Kind::Table(it) => {
                target = format!("TABLE {name}");
                self.table(object.id, &name, it)
            }
            Kind::Index(it) => {
                target = format!("INDEX {name}");
                self.index(&object.name, it)
            }
            Kind::View(it) => {
                let word = if it.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
                target = format!("{word} {name}");
                self.view(&name, word, it)
            }
            Kind::Trigger(it) => {
                target = format!("TRIGGER {} ON {}", quoted(&object.name), self.name(it.table));
                self.trigger(&quoted(&object.name), it)
            }
            Kind::Policy(it) => {
                target = format!("POLICY {} ON {}", quoted(&object.name), self.name(it.table));
                self.policy(&quoted(&object.name), it)
            }
            Kind::Statistics { table, kinds, columns } => {
                target = format!("STATISTICS {name}");
                format!("CREATE STATISTICS {name}{kinds} ON {} FROM {}", self.columns(columns), self.name(*table))
            }
        };
        self.out.push(format!("{renamed}{statement}"));
        if let Some(text) = object.comment {
            self.late.push(format!("COMMENT ON {target} IS '{text}'"));
        }
        let target = target.replace("MATERIALIZED VIEW", "TABLE").replace("VIEW ", "TABLE ");
        for (privilege, role) in &object.grants {
            self.late.push(format!("GRANT {privilege} ON {target} TO {role}"));
        }
    }

    fn function(&self, name: &str, word: &str, it: &Function) -> String {
        let args = it.args.iter().map(|(name, ty, default)| {
            format!("{name} {}{}", self.text(ty), default.map(|it| format!(" DEFAULT {it}")).unwrap_or_default())
        });
        let mut res = format!("CREATE {word} {name}({})", args.collect::<Vec<_>>().join(", "));
        res += &it.returns.as_ref().map(|it| format!(" RETURNS {}", self.text(it))).unwrap_or_default();
        res += &format!(" LANGUAGE {}", it.language);
        it.attributes.iter().for_each(|it| res += &format!(" {it}"));
        format!("{res} AS $f${}$f$", self.text(&it.body))
    }

    fn table(&mut self, id: Id, name: &str, it: &Table) -> String {
        let mut lines: Vec<String> = it.columns.iter().map(|it| self.column(it)).collect();
        for constraint in &it.constraints {
            let text = self.constraint(constraint);
            match &constraint.rule {
                Rule::Foreign { table, .. } if *table > id => {
                    self.late.insert(0, format!("ALTER TABLE {name} ADD {text}"));
                }
                _ => lines.push(text),
            }
            if let (Some(own), Some(comment)) = (&constraint.name, constraint.comment) {
                self.late.push(format!("COMMENT ON CONSTRAINT {} ON {name} IS '{comment}'", quoted(own)));
            }
        }
        for column in &it.columns {
            let own = quoted(&column.name);
            if let Some(comment) = column.comment {
                self.late.push(format!("COMMENT ON COLUMN {name}.{own} IS '{comment}'"));
            }
            for setting in &column.settings {
                self.late.push(format!("ALTER TABLE {name} ALTER COLUMN {own} {setting}"));
            }
        }
        if it.row_security {
            self.late.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        }
        if it.forced {
            self.late.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        }
        if let Some(identity) = it.replica_identity {
            self.late.push(format!("ALTER TABLE {name} REPLICA IDENTITY {identity}"));
        }
        let unlogged = if it.unlogged { "UNLOGGED " } else { "" };
        let body = if lines.is_empty() { String::new() } else { format!("\n  {}\n", lines.join(",\n  ")) };
        let mut res = match &it.partition_of {
            Some((parent, bound)) => {
                let body = if body.is_empty() { body } else { format!(" ({body})") };
                format!("CREATE {unlogged}TABLE {name} PARTITION OF {}{body} {bound}", self.name(*parent))
            }
            None => format!("CREATE {unlogged}TABLE {name} ({body})"),
        };
        if !it.inherits.is_empty() {
            let parents: Vec<_> = it.inherits.iter().map(|it| self.name(*it)).collect();
            res += &format!(" INHERITS ({})", parents.join(", "));
        }
        if let Some((strategy, key)) = it.partition_by {
            res += &format!(" PARTITION BY {strategy} ({})", self.columns(&[key]));
        }
        if !it.options.is_empty() {
            let options: Vec<_> = it.options.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            res += &format!(" WITH ({})", options.join(", "));
        }
        res
    }

    fn column(&self, it: &Column) -> String {
        let renamed = it.was.as_ref().map(|it| format!("-- @renamed from={it}\n  ")).unwrap_or_default();
        let mut res = format!("{renamed}{} {}", quoted(&it.name), self.text(&it.ty));
        res += &it.collation.map(|it| format!(" COLLATE \"{it}\"")).unwrap_or_default();
        res += &it.default.as_ref().map(|it| format!(" DEFAULT {}", self.text(it))).unwrap_or_default();
        res += &it.identity.map(|it| format!(" GENERATED {it}")).unwrap_or_default();
        res += &it.generated.as_ref().map(|it| format!(" GENERATED ALWAYS AS {}", self.text(it))).unwrap_or_default();
        res + if it.not_null { " NOT NULL" } else { "" }
    }

    fn constraint(&self, it: &Constraint) -> String {
        let name = it.name.as_ref().map(|it| format!("CONSTRAINT {} ", quoted(it))).unwrap_or_default();
        let rule = match &it.rule {
            Rule::Primary(columns) => format!("PRIMARY KEY ({})", self.columns(columns)),
            Rule::Unique { columns, include, nulls_not_distinct } => {
                let nulls = if *nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
                let include =
                    if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", self.columns(include)) };
                format!("UNIQUE{nulls} ({}){include}", self.columns(columns))
            }
            Rule::Check { text, no_inherit } => {
                format!("CHECK ({}){}", self.text(text), if *no_inherit { " NO INHERIT" } else { "" })
            }
            Rule::Foreign { columns, table, references, actions } => format!(
                "FOREIGN KEY ({}) REFERENCES {} ({}){actions}",
                self.columns(columns),
                self.name(*table),
                self.columns(references)
            ),
            Rule::Exclude { method, elements, predicate } => {
                let predicate = predicate.as_ref().map(|it| format!(" WHERE ({})", self.text(it))).unwrap_or_default();
                format!("EXCLUDE USING {method} ({}){predicate}", self.texts(elements))
            }
        };
        format!("{name}{rule} {}", it.timing).trim_end().to_owned()
    }

    fn index(&self, name: &str, it: &Index) -> String {
        let unique = if it.unique { "UNIQUE " } else { "" };
        let (table, method, keys) = (self.name(it.table), it.method, self.texts(&it.keys));
        let mut res = format!("CREATE {unique}INDEX {} ON {table} USING {method} ({keys})", quoted(name));
        if !it.include.is_empty() {
            res += &format!(" INCLUDE ({})", self.columns(&it.include));
        }
        res += if it.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
        res += &it.options.map(|it| format!(" WITH ({it})")).unwrap_or_default();
        res + &it.predicate.as_ref().map(|it| format!(" WHERE {}", self.text(it))).unwrap_or_default()
    }

    fn view(&self, name: &str, word: &str, it: &View) -> String {
        let items: Vec<_> =
            it.items.iter().map(|(_, text, name)| format!("{} AS {}", self.text(text), quoted(name))).collect();
        let options = it.options.map(|it| format!(" WITH ({it})")).unwrap_or_default();
        let mut res =
            format!("CREATE {word} {name}{options} AS SELECT {} FROM {}", items.join(", "), self.text(&it.from));
        res += &it.filter.as_ref().map(|it| format!(" WHERE {}", self.text(it))).unwrap_or_default();
        res + it.tail
    }

    fn trigger(&mut self, name: &str, it: &Trigger) -> String {
        let events = it.events.iter().map(|event| match *event {
            "UPDATE" if !it.of.is_empty() => format!("UPDATE OF {}", self.columns(&it.of)),
            other => other.to_owned(),
        });
        let events = events.collect::<Vec<_>>().join(" OR ");
        let (table, level) = (self.name(it.table).to_owned(), if it.row { "ROW" } else { "STATEMENT" });
        let when = it.when.as_ref().map(|it| format!(" WHEN ({})", self.text(it))).unwrap_or_default();
        if it.disabled {
            self.late.push(format!("ALTER TABLE {table} DISABLE TRIGGER {name}"));
        }
        let function = self.name(it.function);
        format!(
            "CREATE TRIGGER {name} {} {events} ON {table} FOR EACH {level}{when} EXECUTE FUNCTION {function}()",
            it.timing
        )
    }

    fn policy(&self, name: &str, it: &Policy) -> String {
        let kind = if it.restrictive { " AS RESTRICTIVE" } else { "" };
        let mut res =
            format!("CREATE POLICY {name} ON {}{kind} FOR {} TO {}", self.name(it.table), it.command, it.role);
        res += &it.using.as_ref().map(|it| format!(" USING ({})", self.text(it))).unwrap_or_default();
        res + &it.check.as_ref().map(|it| format!(" WITH CHECK ({})", self.text(it))).unwrap_or_default()
    }
}
