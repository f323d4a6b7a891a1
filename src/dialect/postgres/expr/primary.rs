//! Constants, names, calls, casts and everything in brackets.

use super::{
    literal::{self, Value},
    operators::Parser,
};
use crate::dialect::postgres::{
    lexer::{Kind, Token},
    lower, unquote,
};

impl Parser<'_> {
    /// A primary with the casts, subscripts and fields behind it.
    pub fn postfix(&mut self) -> Option<Value> {
        let mut value = self.primary()?;
        loop {
            let Some(token) = self.peek() else { return Some(value) };
            if token.is("::") {
                self.skip(1);
                let ty = self.type_name()?;
                value = literal::cast(value, &ty);
            } else if token.is("[") {
                self.skip(1);
                value = Value::other(format!("{}[{}]", value.text(), self.subscript()?));
            } else if token.is(".") {
                self.skip(1);
                let field = self.next()?;
                value = Value::other(format!("({}).{}", value.text(), word(&field)?));
            } else {
                return Some(value);
            }
        }
    }

    fn subscript(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let token = self.peek()?;
            if token.is("]") {
                self.skip(1);
                return Some(text);
            } else if token.is(":") {
                self.skip(1);
                text.push(':');
            } else {
                text.push_str(&self.expr(0)?.text());
            }
        }
    }

    fn primary(&mut self) -> Option<Value> {
        let token = self.peek()?.clone();
        match token.kind {
            Kind::Number => {
                self.skip(1);
                Some(Value::Constant(literal::number(token.text)))
            }
            Kind::Parameter => {
                self.skip(1);
                Some(Value::other(token.text.to_owned()))
            }
            Kind::String => Some(self.string()),
            Kind::Quoted => self.named(),
            Kind::Word => self.word(&token),
            Kind::Mark if token.is("(") => self.bracket(),
            Kind::Operator | Kind::Mark | Kind::Other => None,
        }
    }

    /// Adjacent parts are one string.
    fn string(&mut self) -> Value {
        let mut text = String::new();
        while let Some(token) = self.peek().filter(|it| it.kind == Kind::String) {
            text.push_str(&unquote::string(token.text));
            self.skip(1);
        }
        Value::Text(text)
    }

    /// `(a)`, `(a, b)`, `(SELECT …)`.
    fn bracket(&mut self) -> Option<Value> {
        if let Some(query) = self.subquery() {
            return Some(Value::other(format!("({query})")));
        }
        self.skip(1);
        let first = self.expr(0)?;
        let token = self.next()?;
        if token.is(")") {
            return Some(first);
        }
        token.is(",").then_some(())?;
        let mut items = vec![first.text()];
        items.extend(self.list(")")?);
        Some(Value::Row(items))
    }

    fn word(&mut self, token: &Token<'_>) -> Option<Value> {
        let lower = token.text.to_ascii_lowercase();
        let called = self.peek_at(1).is_some_and(|it| it.is("("));
        let qualified = self.peek_at(1).is_some_and(|it| it.is("."));
        if qualified {
            return self.named();
        }
        match lower.as_str() {
            "true" | "false" | "null" => {
                self.skip(1);
                Some(Value::Constant(lower))
            }
            "case" => self.case(),
            "array" => self.array(),
            "row" if called => {
                self.skip(2);
                Some(Value::Row(self.list(")")?))
            }
            "exists" if called => {
                self.skip(1);
                Some(Value::other(format!("exists ({})", self.balanced()?)))
            }
            "cast" if called => {
                self.skip(2);
                let value = self.expr(0)?;
                self.eat_word("as").then_some(())?;
                let ty = self.type_name()?;
                self.eat(")")?;
                Some(literal::cast(value, &ty))
            }
            "extract" if called => self.extract(),
            "position" | "substring" | "overlay" | "trim" if called => self.special_call(&lower),
            // Words of the statement around, or of forms that are not read here.
            "select" | "from" | "where" | "with" | "and" | "or" | "in" | "is" | "then" | "else" | "when" | "end"
            | "as" | "on" | "using" | "for" | "collate" | "default" | "any" | "all" | "some" | "distinct" => None,
            "user" => {
                self.skip(1);
                Some(Value::other("current_user".into()))
            }
            "current_catalog" | "current_date" | "current_role" | "current_schema" | "current_time"
            | "current_timestamp" | "current_user" | "localtime" | "localtimestamp" | "session_user"
            | "system_user"
                if !called =>
            {
                self.skip(1);
                Some(Value::other(lower))
            }
            _ => self.typed_literal().or_else(|| self.named()),
        }
    }

    /// `date '2020-01-01'`, `interval '1' day`, `timestamp with time zone '…'`; leaves everything in place when it is none.
    fn typed_literal(&mut self) -> Option<Value> {
        let mut ahead = 1;
        while let Some(token) = self.peek_at(ahead) {
            match token.kind {
                Kind::String => break,
                Kind::Word
                    if ["with", "without", "time", "zone", "precision", "varying"]
                        .iter()
                        .any(|it| token.is_word(it)) =>
                {
                    ahead += 1;
                }
                Kind::Mark if ahead == 1 && token.is("(") => {
                    if self.peek_at(2)?.kind != Kind::Number || !self.peek_at(3)?.is(")") {
                        return None;
                    }
                    ahead = 4;
                }
                _ => return None,
            }
        }
        self.peek_at(ahead)?;
        let ty: Vec<_> = (0..ahead).filter_map(|it| self.peek_at(it)).map(|it| it.text).collect();
        let ty = lower::data_type(&ty.join(" "))?;
        self.skip(ahead);
        let Value::Text(mut text) = self.string() else { return None };
        if ty.name.starts_with("interval") {
            const UNITS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];
            if let Some(unit) = self.peek().and_then(|it| UNITS.iter().find(|unit| it.is_word(unit))) {
                text.push(' ');
                text.push_str(unit);
                self.skip(1);
            }
        }
        Some(literal::cast(Value::Text(text), &ty.to_string()))
    }

    /// A column, or a function and its arguments.
    fn named(&mut self) -> Option<Value> {
        let mut path = self.path()?;
        if self.peek().is_some_and(|it| it.is("(")) {
            if path.len() > 1 && matches!(path[0].as_str(), "pg_catalog" | "public") {
                path.remove(0);
            }
            return self.call(&path);
        }
        if self.peek().is_some_and(|it| it.is(".")) && self.peek_at(1)?.is("*") {
            self.skip(2);
            path.push("*".into());
        }
        let names: Vec<_> = path.iter().map(|it| if it == "*" { it.clone() } else { super::name(it) }).collect();
        Some(Value::Number(names.join(".")))
    }

    /// A dotted name, its parts folded or unquoted. Keywords without quotes stay words.
    pub fn path(&mut self) -> Option<Vec<String>> {
        let mut parts = vec![plain(&self.next()?)?];
        while self.peek().is_some_and(|it| it.is(".")) && self.peek_at(1).is_some_and(|it| plain(it).is_some()) {
            self.skip(1);
            parts.push(plain(&self.next()?)?);
        }
        Some(parts)
    }

    fn call(&mut self, path: &[String]) -> Option<Value> {
        let names: Vec<_> = path.iter().map(|it| function_name(it)).collect();
        let name = names.join(".");
        self.skip(1);
        let mut args = self.arguments()?;
        if matches!(name.as_str(), "nextval" | "currval" | "setval")
            && let Some(first) = args.first_mut()
            && let Some(text) = first.strip_prefix('\'').and_then(|it| it.strip_suffix('\''))
        {
            *first = format!("'{}'", literal::object_name(text));
        }
        // Printed as AT TIME ZONE since PostgreSQL 14, as a call before; EXTRACT likewise.
        if name == "date_part"
            && let [field, from] = args.as_slice()
        {
            return Some(Value::other(format!("extract({}, {from})", field.trim_matches('\''))));
        }
        let mut text = format!("{name}({})", args.join(", "));
        while let Some(token) = self.peek() {
            let over = token.is_word("over");
            if !(over || token.is_word("filter")) || !self.peek_at(1)?.is("(") {
                break;
            }
            self.skip(1);
            let clause = self.balanced()?;
            text = format!("{text} {} ({clause})", if over { "over" } else { "filter" });
        }
        Some(Value::other(text))
    }

    fn arguments(&mut self) -> Option<Vec<String>> {
        let mut args = Vec::new();
        if self.peek()?.is(")") {
            self.skip(1);
            return Some(args);
        }
        loop {
            let mut prefix = String::new();
            if self.peek()?.is("*") {
                self.skip(1);
                args.push("*".into());
            } else {
                for word in ["distinct", "variadic", "all"] {
                    if self.eat_word(word) && word != "all" {
                        prefix = format!("{word} ");
                    }
                }
                if self.peek_at(1)?.is("=>") || self.peek_at(1)?.is(":=") {
                    let name = plain(&self.next()?)?;
                    self.skip(1);
                    prefix = format!("{name} => ");
                }
                let value = self.expr(0)?.text();
                args.push(format!("{prefix}{value}"));
            }
            let token = self.next()?;
            if token.is(")") {
                return Some(args);
            }
            token.is(",").then_some(())?;
        }
    }

    fn case(&mut self) -> Option<Value> {
        self.skip(1);
        let mut text = String::from("case");
        if !self.peek()?.is_word("when") {
            text = format!("{text} {}", self.expr(0)?.text());
        }
        while self.eat_word("when") {
            let when = self.expr(0)?.text();
            self.eat_word("then").then_some(())?;
            let then = self.expr(0)?.text();
            text = format!("{text} when {when} then {then}");
        }
        if self.eat_word("else") {
            // The server writes the ELSE NULL that it adds.
            let other = self.expr(0)?.text();
            if other != "null" {
                text = format!("{text} else {other}");
            }
        }
        self.eat_word("end").then_some(())?;
        Some(Value::other(format!("{text} end")))
    }

    /// `ARRAY[…]`, `ARRAY(SELECT …)`.
    fn array(&mut self) -> Option<Value> {
        self.skip(1);
        if let Some(query) = self.subquery() {
            return Some(Value::other(format!("array({query})")));
        }
        self.eat("[")?;
        Some(Value::other(format!("array[{}]", self.array_items()?.join(", "))))
    }

    fn array_items(&mut self) -> Option<Vec<String>> {
        let mut items = Vec::new();
        if self.eat("]").is_some() {
            return Some(items);
        }
        loop {
            if self.eat("[").is_some() {
                items.push(format!("array[{}]", self.array_items()?.join(", ")));
            } else {
                items.push(self.expr(0)?.text());
            }
            let token = self.next()?;
            if token.is("]") {
                return Some(items);
            }
            token.is(",").then_some(())?;
        }
    }

    fn extract(&mut self) -> Option<Value> {
        self.skip(2);
        let field = self.next()?;
        let field = if field.kind == Kind::String { unquote::string(field.text).into_owned() } else { word(&field)? };
        self.eat_word("from").then_some(())?;
        let from = self.expr(0)?.text();
        self.eat(")")?;
        Some(Value::other(format!("extract({}, {from})", field.to_lowercase())))
    }

    /// Calls with words between the arguments, as calls with commas; so they were printed before PostgreSQL 14.
    fn special_call(&mut self, name: &str) -> Option<Value> {
        self.skip(2);
        let mut name = name.to_owned();
        if name == "trim" {
            name = "btrim".into();
            for (side, function) in [("leading", "ltrim"), ("trailing", "rtrim"), ("both", "btrim")] {
                if self.eat_word(side) {
                    name = function.into();
                }
            }
            let _ = self.eat_word("from");
        }
        // IN of POSITION is no operator here.
        let in_first = name == "position";
        let first = if in_first { self.postfix()?.text() } else { self.expr(0)?.text() };
        let mut args = vec![(0, first)];
        loop {
            let token = self.next()?;
            if token.is(")") {
                break;
            }
            let order = match token.text.to_ascii_lowercase().as_str() {
                "in" => -1,
                "from" if name.ends_with("trim") => -1,
                "placing" => 1,
                "from" => 2,
                "for" => 3,
                "," => args.len() as i32,
                _ => return None,
            };
            args.push((order, self.expr(0)?.text()));
        }
        args.sort_by_key(|(order, _)| *order);
        let args: Vec<_> = args.into_iter().map(|(_, it)| it).collect();
        Some(Value::other(format!("{name}({})", args.join(", "))))
    }

    /// A type behind `::` or AS, canonical, without schema `public`.
    fn type_name(&mut self) -> Option<String> {
        let mut text = String::new();
        let first = self.next()?;
        word(&first)?;
        text.push_str(first.text);
        let lower = first.text.to_ascii_lowercase();
        while self.peek().is_some_and(|it| it.is(".")) {
            self.skip(1);
            let part = self.next()?;
            text = format!("{text}.{}", part.text);
        }
        let follows: &[&str] = match lower.as_str() {
            "double" => &["precision"],
            "character" | "char" | "bit" | "nchar" => &["varying"],
            "national" => &["character", "char", "varying"],
            "interval" => &["year", "month", "day", "hour", "minute", "second", "to"],
            _ => &[],
        };
        while let Some(token) = self.peek().filter(|it| follows.iter().any(|word| it.is_word(word))) {
            text = format!("{text} {}", token.text);
            self.skip(1);
        }
        if self.peek().is_some_and(|it| it.is("(")) {
            text = format!("{text}({})", self.balanced()?);
        }
        if matches!(lower.as_str(), "time" | "timestamp")
            && self.peek().is_some_and(|it| it.is_word("with") || it.is_word("without"))
            && self.peek_at(1).is_some_and(|it| it.is_word("time"))
        {
            text = format!("{text} {} time zone", self.next()?.text);
            self.skip(2);
        }
        while self.peek().is_some_and(|it| it.is("[")) {
            self.skip(1);
            if self.peek()?.kind == Kind::Number {
                self.skip(1);
            }
            self.eat("]")?;
            text.push_str("[]");
        }
        Some(lower::data_type(&text)?.to_string())
    }
}

/// A name's text: folded, or without its quotes.
fn plain(token: &Token<'_>) -> Option<String> {
    matches!(token.kind, Kind::Word | Kind::Quoted).then(|| unquote::ident(token.text).into_owned())
}

fn word(token: &Token<'_>) -> Option<String> {
    plain(token).map(|it| super::name(&it))
}

/// `"substring"` is quoted by the server because it is a keyword too; as a function the quotes mean nothing.
fn function_name(name: &str) -> String {
    let simple = name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    if simple { name.to_owned() } else { super::name(name) }
}
