//! Views: what they read, and who must be asked before it changes.

use std::sync::Arc;

use super::{Applied, change_options, exists_already};
use crate::{
    catalog::{Catalog, resolve::refused},
    sql::*,
};

impl Catalog {
    pub(super) fn create_view(&mut self, written: &View, or_replace: bool, if_not_exists: bool) -> Applied {
        let persistence = if written.temporary { Persistence::Temporary } else { Persistence::Permanent };
        let name = self.place(&written.name, persistence)?;
        let mut view = View { name: name.clone(), ..written.clone() };
        let replaces = self.views.get(&name).filter(|it| or_replace && !it.materialized && !view.materialized);
        match replaces {
            Some(old) => view.owner = old.owner.clone(),
            None if self.relation_exists(&name) => return exists_already("relation", &name, if_not_exists),
            None => {}
        }
        self.resolve_reads(&mut view);
        view.access_method = view.access_method.as_ref().and_then(super::normal_method);
        // Only a materialized view is with or without data.
        view.with_data |= !view.materialized;
        self.views.insert(name, Arc::new(view));
        Ok(())
    }

    /// Relations and functions that exist get their schema; other names (of CTEs, of the server's own) stay as written.
    pub(in crate::catalog) fn resolve_reads(&self, view: &mut View) {
        let relation = |it: &Name| self.find_relation(it).unwrap_or_else(|| it.clone());
        let function =
            |it: &Name| self.resolve(it, |it| self.overloads(it).next().is_some()).unwrap_or_else(|| it.clone());
        view.reads = view.reads.iter().map(relation).collect();
        view.calls = view.calls.iter().map(function).collect();
    }

    pub(super) fn alter_view(&mut self, name: &Name, set: &Options, reset: &[smol_str::SmolStr]) -> Applied {
        let found = self.find_view(name)?;
        if let Some(view) = self.views.get_mut(&found) {
            change_options(&mut Arc::make_mut(view).options, set, reset);
        }
        Ok(())
    }

    pub(super) fn drop_view(&mut self, name: &Name, if_exists: bool, cascade: bool) -> Applied {
        let found = match self.find_view(name) {
            Ok(found) => found,
            Err(_) if if_exists => return Ok(()),
            Err(_) if self.is_unknown(name) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.release_readers(&found, None, cascade, &format!("view {found}"))?;
        self.remove_view(&found);
        Ok(())
    }

    pub(super) fn remove_view(&mut self, name: &Name) {
        // A materialized view takes its indexes along.
        let indexes: Vec<Name> = self.indexes_of(name).filter_map(|it| it.name.clone()).collect();
        for it in &indexes {
            self.remove_index(it);
        }
        self.views.remove(name);
        self.remove_attached(name);
        self.forget(|it| it.relation() == Some(name));
    }

    /// Views that read a relation or, as far as its tokens tell, one column of it.
    pub fn views_reading(&self, relation: &Name, column: Option<&Ident>) -> Vec<Name> {
        let reads = |it: &&Arc<View>| {
            it.reads.contains(relation) && column.is_none_or(|column| self.view_mentions(it, relation, column))
        };
        self.views.values().filter(reads).map(|it| it.name.clone()).collect()
    }

    fn view_mentions(&self, view: &View, relation: &Name, column: &Ident) -> bool {
        let text = view.query.text();
        let query = Query::new(text);
        let others = view.reads.iter().filter(|it| *it != relation);
        let elsewhere = others.filter_map(|it| self.tables.get(it)).any(|it| it.column(column).is_some());
        query.paths.iter().any(|path| match query.qualifier(path) {
            // `*` holds every column there was when the view was made.
            _ if path.star => query.means(path.qualifier(), relation),
            _ if !query.is_column(path, column) => false,
            Some(qualifier) => query.means(Some(qualifier), relation),
            // Without a qualifier, a column that only this relation has, or that both share through USING.
            None => !elsewhere || self.tables.get(relation).is_none_or(|it| it.column(column).is_some()),
        }) || query.has_bare_star()
    }

    /// Views that read a relation (or a column of it) are dropped with CASCADE and a reason to refuse without.
    pub(super) fn release_readers(
        &mut self,
        relation: &Name,
        column: Option<&Ident>,
        cascade: bool,
        what: &str,
    ) -> Applied {
        for view in self.views_reading(relation, column) {
            if view == *relation || !self.views.contains_key(&view) {
                continue;
            }
            if !cascade {
                return Err(refused(format!("cannot drop {what}: view {view} depends on it")));
            }
            self.drop_view(&view, true, true)?;
        }
        Ok(())
    }

    /// View texts follow a column that is renamed. The columns a view shows keep their names, as on the server.
    pub(super) fn rename_column_in_views(&mut self, relation: &Name, from: &Ident, to: &Ident) {
        for name in self.views_reading(relation, Some(from)) {
            let Some(view) = self.views.get_mut(&name).map(Arc::make_mut) else { continue };
            let rewrite = |text: &str| Query::new(text).rename_column(relation, from, to);
            view.query = Expr::new(rewrite(view.query.text()), rewrite(view.query.canon()));
        }
    }

    /// View texts follow a relation that is renamed or moved.
    pub(super) fn rename_relation_in_views(&mut self, from: &Name, to: &Name) {
        for view in self.views.values_mut().filter(|it| it.reads.contains(from)) {
            let view = Arc::make_mut(view);
            view.reads.remove(from);
            view.reads.insert(to.clone());
            let rewrite = |text: &str| Query::new(text).rename_relation(from, to);
            view.query = Expr::new(rewrite(view.query.text()), rewrite(view.query.canon()));
        }
    }
}

/// A query seen through its tokens: what follows FROM and JOIN, aliases, column mentions.
struct Query<'a> {
    text: &'a str,
    tokens: Vec<tokens::Token>,
    paths: Vec<tokens::Path>,
    /// Index in `paths` of each relation, and its alias.
    relations: Vec<(usize, Option<Ident>)>,
}

impl<'a> Query<'a> {
    fn new(text: &'a str) -> Self {
        let tokens = tokens::tokens(text);
        let paths = tokens::paths_in(text, &tokens);
        let mut res = Self { text, tokens, paths, relations: Vec::new() };
        res.relations = res.find_relations();
        res
    }

    fn word(&self, at: Option<usize>) -> Option<&tokens::Token> {
        self.tokens.get(at?)
    }

    /// Names behind FROM, JOIN and the commas of a FROM list.
    fn find_relations(&self) -> Vec<(usize, Option<Ident>)> {
        let mut res = Vec::new();
        // Per depth of parentheses: are we in a FROM list?
        let mut lists = vec![false];
        let mut expects = false;
        let mut at = 0;
        let mut paths = self.paths.iter().enumerate().peekable();
        while let Some(token) = self.tokens.get(at) {
            while paths.next_if(|(_, path)| path.token < at).is_some() {}
            let is = |word: &str| token.is(self.text, word);
            if is("(") {
                lists.push(false);
                // FROM (a JOIN b …): the parenthesis may hold relations again.
                at += 1;
                continue;
            } else if is(")") {
                lists.pop();
                expects = false;
            } else if is("from") || is("join") {
                let extract = self.is_function_syntax(at);
                expects = !extract;
                if let (Some(list), false) = (lists.last_mut(), extract) {
                    *list = true;
                }
            } else if is(",") {
                expects = lists.last().copied().unwrap_or(false);
            } else if ["where", "group", "order", "having", "limit", "window", "union", "on", "using", "select", "set"]
                .iter()
                .any(|it| is(it))
            {
                if let Some(list) = lists.last_mut().filter(|_| !is("on") && !is("using")) {
                    *list = false;
                }
                expects = false;
            } else if is("only") || is("lateral") {
                // Stands between FROM and the name.
            } else if expects {
                expects = false;
                if let Some((index, path)) = paths.peek().filter(|(_, path)| path.token == at && !path.called) {
                    res.push((*index, self.alias_behind(path.end)));
                    at = path.end;
                    continue;
                }
            }
            at += 1;
        }
        res
    }

    /// `extract(year FROM d)`, `substring(s FROM 2)`, `trim(both FROM s)`, `IS DISTINCT FROM`: no FROM clause.
    fn is_function_syntax(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|it| self.tokens.get(it));
        if before.is_some_and(|it| it.is(self.text, "distinct")) {
            return at
                .checked_sub(2)
                .and_then(|it| self.tokens.get(it))
                .is_some_and(|it| it.is(self.text, "is") || it.is(self.text, "not"));
        }
        let mut depth = 0usize;
        for i in (0..at).rev() {
            let Some(token) = self.tokens.get(i) else { return false };
            if token.is(self.text, ")") {
                depth += 1;
            } else if token.is(self.text, "(") {
                if depth == 0 {
                    let name = self.word(i.checked_sub(1));
                    return ["extract", "substring", "trim", "overlay", "position"]
                        .iter()
                        .any(|it| name.is_some_and(|name| name.is(self.text, it)));
                }
                depth -= 1;
            } else if depth == 0 && token.is(self.text, "select") {
                return false;
            }
        }
        false
    }

    fn alias_behind(&self, end: usize) -> Option<Ident> {
        let next = self.tokens.get(end)?;
        let alias = if next.is(self.text, "as") { self.tokens.get(end + 1)? } else { next };
        let ident = alias.ident(self.text);
        let plain = alias.kind == tokens::TokenKind::Quoted || !is_keyword(ident.as_str());
        let clause = matches!(ident.as_str(), "set" | "by" | "loop");
        (alias.is_name() && plain && !clause).then_some(ident)
    }

    fn names(path: &tokens::Path, relation: &Name) -> bool {
        let name = path.name();
        name.name == relation.name && name.schema.is_none_or(|it| Some(&it) == relation.schema.as_ref())
    }

    /// Can a qualifier mean this relation: by its name or by an alias of it?
    fn means(&self, qualifier: Option<&Ident>, relation: &Name) -> bool {
        let Some(qualifier) = qualifier else { return true };
        self.relations.iter().any(|(index, alias)| {
            let named = self.paths.get(*index).is_some_and(|it| Self::names(it, relation));
            named && alias.as_ref().map_or(*qualifier == relation.name, |it| it == qualifier)
        })
    }

    fn qualifier<'p>(&self, path: &'p tokens::Path) -> Option<&'p Ident> {
        path.qualifier()
    }

    fn has_bare_star(&self) -> bool {
        let star = |(i, token): (usize, &tokens::Token)| {
            let before = self.word(i.checked_sub(1));
            token.is(self.text, "*")
                && before.is_some_and(|it| ["select", ",", "distinct", "all"].iter().any(|word| it.is(self.text, word)))
        };
        self.tokens.iter().enumerate().any(star)
    }

    /// A mention of a column of that name; not an alias, not a relation.
    fn is_column(&self, path: &tokens::Path, column: &Ident) -> bool {
        if path.column() != Some(column) || self.relations.iter().any(|(it, _)| self.paths.get(*it) == Some(path)) {
            return false;
        }
        let before = self.word(path.token.checked_sub(1));
        !before.is_some_and(|it| it.is(self.text, "as"))
    }

    fn rename_column(&self, relation: &Name, from: &Ident, to: &Ident) -> String {
        let mut edits = Vec::new();
        for path in &self.paths {
            if !self.is_column(path, from) || !self.means(path.qualifier(), relation) {
                continue;
            }
            let Some((_, range)) = path.parts.last() else { continue };
            let shown = if self.is_output(path) { format!(" AS {}", quote(from)) } else { String::new() };
            // `old AS new` has no need of the alias once the column is called so.
            let alias = self.word(Some(path.end + 1)).filter(|it| {
                self.word(Some(path.end)).is_some_and(|it| it.is(self.text, "as")) && it.text(self.text) == quote(to)
            });
            let end = alias.map_or(range.end, |it| it.range.end);
            edits.push((range.start..end, format!("{}{shown}", quote(to))));
        }
        tokens::edit(self.text, edits)
    }

    /// Is the mention a whole item of the outermost SELECT list, so that it names the view's column?
    fn is_output(&self, path: &tokens::Path) -> bool {
        let depth = self.tokens.iter().take(path.token).fold(0i32, |depth, it| match it.text(self.text) {
            "(" => depth + 1,
            ")" => depth - 1,
            _ => depth,
        });
        let before = self.word(path.token.checked_sub(1));
        let starts =
            before.is_some_and(|it| ["select", ",", "distinct", "all"].iter().any(|word| it.is(self.text, word)));
        let ends = self.tokens.get(path.end).is_none_or(|it| it.is(self.text, ",") || it.is(self.text, "from"));
        let earlier = self.tokens.iter().take(path.token).rev();
        let clause = earlier
            .map(|it| it.text(self.text).to_ascii_lowercase())
            .find(|it| matches!(it.as_str(), "select" | "from" | "where" | "by" | "using"));
        depth == 0 && starts && ends && clause.as_deref() == Some("select")
    }

    fn rename_relation(&self, from: &Name, to: &Name) -> String {
        let mut edits = Vec::new();
        for (index, _) in &self.relations {
            if let Some(path) = self.paths.get(*index).filter(|it| Self::names(it, from))
                && let (Some((_, first)), Some((_, last))) = (path.parts.first(), path.parts.last())
            {
                edits.push((first.start..last.end, quote_name(to)));
            }
        }
        let unaliased = self
            .relations
            .iter()
            .any(|(it, alias)| alias.is_none() && self.paths.get(*it).is_some_and(|it| Self::names(it, from)));
        for path in self.paths.iter().filter(|_| unaliased) {
            let is_relation = self.relations.iter().any(|(it, _)| self.paths.get(*it) == Some(path));
            if is_relation || path.called || path.qualifier() != Some(&from.name) {
                continue;
            }
            let at = path.parts.len().saturating_sub(if path.star { 1 } else { 2 });
            if let Some((_, range)) = path.parts.get(at) {
                // With a schema before it the whole qualifier is replaced.
                let start =
                    if at > 0 { path.parts.first().map_or(range.start, |(_, it)| it.start) } else { range.start };
                let text = if at > 0 { quote_name(to) } else { quote(&to.name).into_owned() };
                edits.push((start..range.end, text));
            }
        }
        tokens::edit(self.text, edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Name {
        Name::new("public", name)
    }

    #[test]
    fn a_renamed_column_keeps_its_name_in_what_the_view_shows() {
        let sql = "SELECT u.mail, lower(u.mail) AS m, p.mail FROM users u JOIN people p ON p.id = u.id WHERE u.mail <> 'mail'";
        let renamed = Query::new(sql).rename_column(&table("users"), &"mail".into(), &"email".into());
        assert_eq!(
            renamed,
            "SELECT u.email AS mail, lower(u.email) AS m, p.mail FROM users u JOIN people p ON p.id = u.id WHERE u.email <> 'mail'"
        );
    }

    #[test]
    fn a_renamed_relation_is_followed_where_it_is_read() {
        let sql = "SELECT users.id, extract(year FROM users.born) FROM public.users, orders o WHERE o.users = users.id";
        let renamed = Query::new(sql).rename_relation(&table("users"), &table("accounts"));
        assert_eq!(
            renamed,
            "SELECT accounts.id, extract(year FROM accounts.born) FROM accounts, orders o WHERE o.users = accounts.id"
        );
        let aliased = Query::new("SELECT users.id FROM users AS users").rename_relation(&table("users"), &table("a"));
        assert_eq!(aliased, "SELECT users.id FROM a AS users");
    }
}
