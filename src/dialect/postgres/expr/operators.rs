//! Operators by precedence (manual 4.1.6), printed with all their brackets.

use super::literal::{self, Value};
use crate::dialect::postgres::lexer::{Kind, Token, tokens};

/// Deeper expressions are compared by their tokens.
const MAX_DEPTH: u32 = 200;

/// The canonical form; `None`: this is no expression we read.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut parser = Parser { tokens: tokens(text).collect(), at: 0, depth: 0 };
    let value = parser.expr(0)?;
    (parser.at == parser.tokens.len()).then(|| value.text())
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: u32,
}

/// Binding powers, loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARE: u8 = 5;
const MATCH: u8 = 6;
const OTHER: u8 = 7;
const ADD: u8 = 8;
const MULTIPLY: u8 = 9;
const POWER: u8 = 10;
const AT: u8 = 11;
const COLLATE: u8 = 12;
const SIGN: u8 = 13;

impl<'a> Parser<'a> {
    pub fn expr(&mut self, min: u8) -> Option<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut left = self.prefix()?;
        while let Some(next) = self.infix(&left, min) {
            left = next?;
        }
        self.depth -= 1;
        Some(left)
    }

    fn prefix(&mut self) -> Option<Value> {
        let token = self.peek()?.clone();
        if token.is_word("not") {
            self.at += 1;
            let value = self.expr(NOT)?;
            return Some(Value::other(format!("(not {})", value.text())));
        }
        if token.kind == Kind::Operator && !matches!(token.text, "::" | ":=" | "*") {
            self.at += 1;
            return Some(match token.text {
                "-" => literal::negate(self.expr(SIGN)?),
                "+" => self.expr(SIGN)?,
                operator => Value::other(format!("({operator} {})", self.expr(OTHER + 1)?.text())),
            });
        }
        self.postfix()
    }

    /// One operator with its right side; `None`: none that binds tighter than `min` follows. `Some(None)`: unreadable.
    fn infix(&mut self, left: &Value, min: u8) -> Option<Option<Value>> {
        let token = self.peek()?.clone();
        let start = self.at;
        if token.kind == Kind::Operator {
            return self.binary(left, token.text, min);
        }
        if token.kind != Kind::Word {
            return None;
        }
        let word = token.text.to_ascii_lowercase();
        let power = match word.as_str() {
            "or" => OR,
            "and" => AND,
            "is" | "isnull" | "notnull" => IS,
            "between" | "in" | "like" | "ilike" | "similar" | "not" => MATCH,
            "operator" => OTHER,
            "at" => AT,
            "collate" => COLLATE,
            _ => return None,
        };
        if power <= min {
            return None;
        }
        self.at += 1;
        let result = match word.as_str() {
            "or" => self.expr(OR).map(|right| left.clone().or(right)),
            "and" => self.expr(AND).map(|right| left.clone().and(right)),
            "isnull" => Some(Value::other(format!("({} is null)", left.text()))),
            "notnull" => Some(Value::other(format!("({} is not null)", left.text()))),
            "is" => self.is(left),
            "at" => self.at_time_zone(left),
            "collate" => self.collate(left),
            "operator" => self.operator_call(left),
            "not" => self.matching(left, true),
            _ => {
                self.at = start;
                self.matching(left, false)
            }
        };
        Some(result)
    }

    fn binary(&mut self, left: &Value, operator: &str, min: u8) -> Option<Option<Value>> {
        let power = match operator {
            "::" | ":=" | "=>" => return None,
            "<" | ">" | "=" | "<=" | ">=" | "<>" | "!=" => COMPARE,
            "+" | "-" => ADD,
            "*" | "/" | "%" => MULTIPLY,
            "^" => POWER,
            _ => OTHER,
        };
        if power <= min {
            return None;
        }
        self.at += 1;
        let operator = if operator == "!=" { "<>" } else { operator };
        Some(self.right_side(left, operator, power))
    }

    /// The right side, which may be `ANY (…)` or `ALL (…)`.
    fn right_side(&mut self, left: &Value, operator: &str, power: u8) -> Option<Value> {
        let quantifier = self.peek().filter(|_| self.peek_at(1).is_some_and(|it| it.is("("))).and_then(|it| {
            let any = it.is_word("any") || it.is_word("some");
            if any { Some("any") } else { it.is_word("all").then_some("all") }
        });
        let right = match quantifier {
            Some(quantifier) => {
                self.at += 1;
                let inner = match self.subquery() {
                    Some(query) => query,
                    None => {
                        self.eat("(")?;
                        let inner = self.expr(0)?;
                        self.eat(")")?;
                        inner.text()
                    }
                };
                format!("{quantifier} ({inner})")
            }
            None => {
                let right = self.expr(power)?;
                if let (Value::Row(a), Value::Row(b)) = (left, &right)
                    && let Some(all) = rows(a, b, operator)
                {
                    return Some(all);
                }
                right.text()
            }
        };
        let text = format!("({} {operator} {right})", left.text());
        Some(if power >= ADD { Value::Number(text) } else { Value::other(text) })
    }

    /// `a OPERATOR(pg_catalog.+) b`.
    fn operator_call(&mut self, left: &Value) -> Option<Value> {
        self.eat("(")?;
        let mut schema = String::new();
        while self.peek_at(1)?.is(".") {
            schema = self.next()?.text.to_ascii_lowercase();
            self.at += 1;
        }
        let operator = self.next()?.text;
        self.eat(")")?;
        let operator = match schema.as_str() {
            "" | "pg_catalog" | "public" => operator.to_owned(),
            other => format!("operator({other}.{operator})"),
        };
        self.right_side(left, &operator, OTHER)
    }

    fn is(&mut self, left: &Value) -> Option<Value> {
        let not = self.eat_word("not");
        let left = left.text();
        let word = self.next().filter(|it| it.kind == Kind::Word)?.text.to_ascii_lowercase();
        if word == "distinct" {
            self.eat_word("from").then_some(())?;
            let right = self.expr(IS)?.text();
            let distinct = format!("({left} is distinct from {right})");
            return Some(Value::other(if not { format!("(not {distinct})") } else { distinct }));
        }
        if !matches!(word.as_str(), "null" | "true" | "false" | "unknown" | "document") {
            return None;
        }
        Some(Value::other(format!("({left} is {}{word})", if not { "not " } else { "" })))
    }

    /// `now() AT TIME ZONE 'utc'` is `timezone('utc', now())`, and printed so before PostgreSQL 14.
    fn at_time_zone(&mut self, left: &Value) -> Option<Value> {
        if self.eat_word("local") {
            return Some(Value::other(format!("timezone({})", left.text())));
        }
        (self.eat_word("time") && self.eat_word("zone")).then_some(())?;
        let zone = self.expr(AT)?.text();
        Some(Value::other(format!("timezone({zone}, {})", left.text())))
    }

    fn collate(&mut self, left: &Value) -> Option<Value> {
        let mut path = self.path()?;
        if path.len() > 1 && path[0] == "pg_catalog" {
            path.remove(0);
        }
        let names: Vec<_> = path.iter().map(|it| super::name(it)).collect();
        Some(Value::other(format!("({} collate {})", left.text(), names.join("."))))
    }

    /// BETWEEN, IN, LIKE, ILIKE and SIMILAR TO; the server prints what they stand for.
    fn matching(&mut self, left: &Value, not: bool) -> Option<Value> {
        let word = self.next()?.text.to_ascii_lowercase();
        match word.as_str() {
            "between" => self.between(left, not),
            "in" => self.in_list(left, not),
            "like" => self.like(left, if not { "!~~" } else { "~~" }),
            "ilike" => self.like(left, if not { "!~~*" } else { "~~*" }),
            "similar" => {
                self.eat_word("to").then_some(())?;
                let pattern = self.expr(MATCH)?.text();
                let operator = if not { "!~" } else { "~" };
                let escape =
                    if self.eat_word("escape") { format!(", {}", self.expr(MATCH)?.text()) } else { String::new() };
                Some(Value::other(format!("({} {operator} similar_to_escape({pattern}{escape}))", left.text())))
            }
            _ => None,
        }
    }

    fn between(&mut self, left: &Value, not: bool) -> Option<Value> {
        let symmetric = self.eat_word("symmetric");
        let _ = !symmetric && self.eat_word("asymmetric");
        let low = self.expr(MATCH)?.text();
        self.eat_word("and").then_some(())?;
        let high = self.expr(MATCH)?.text();
        let left = left.text();
        // The operand is printed twice, so nested ones would double at each level.
        if left.len() + low.len() + high.len() > 4000 {
            return None;
        }
        let one = |low: &str, high: &str| {
            let (a, b) = if not { ("<", ">") } else { (">=", "<=") };
            let first = Value::other(format!("({left} {a} {low})"));
            let second = Value::other(format!("({left} {b} {high})"));
            if not { first.or(second) } else { first.and(second) }
        };
        let plain = one(&low, &high);
        if !symmetric {
            return Some(plain);
        }
        let turned = one(&high, &low);
        Some(if not { plain.and(turned) } else { plain.or(turned) })
    }

    fn in_list(&mut self, left: &Value, not: bool) -> Option<Value> {
        let (operator, quantifier) = if not { ("<>", "all") } else { ("=", "any") };
        let left = left.text();
        if let Some(query) = self.subquery() {
            return Some(Value::other(format!("({left} {operator} {quantifier} ({query}))")));
        }
        self.eat("(")?;
        let items = self.list(")")?;
        if let [only] = items.as_slice() {
            return Some(Value::other(format!("({left} {operator} {only})")));
        }
        let items = items.join(", ");
        Some(Value::other(format!("({left} {operator} {quantifier} (array[{items}]))")))
    }

    fn like(&mut self, left: &Value, operator: &str) -> Option<Value> {
        if self.peek().is_some_and(|it| it.is_word("any") || it.is_word("all") || it.is_word("some")) {
            return self.right_side(left, operator, MATCH);
        }
        let mut pattern = self.expr(MATCH)?.text();
        if self.eat_word("escape") {
            let escape = self.expr(MATCH)?.text();
            pattern = format!("like_escape({pattern}, {escape})");
        }
        Some(Value::other(format!("({} {operator} {pattern})", left.text())))
    }

    /// Expressions separated by commas, past the closing mark.
    pub fn list(&mut self, close: &str) -> Option<Vec<String>> {
        let mut items = Vec::new();
        if self.peek()?.is(close) {
            self.at += 1;
            return Some(items);
        }
        loop {
            items.push(self.expr(0)?.text());
            let token = self.next()?;
            if token.is(close) {
                return Some(items);
            }
            if !token.is(",") {
                return None;
            }
        }
    }

    /// `(SELECT …)` by its tokens, past the bracket, without it.
    pub fn subquery(&mut self) -> Option<String> {
        let opens = self.peek()?.is("(");
        let word = self.peek_at(1)?;
        if !opens || !["select", "with", "values", "table"].iter().any(|it| word.is_word(it)) {
            return None;
        }
        self.balanced()
    }

    /// The tokens between brackets, past them.
    pub fn balanced(&mut self) -> Option<String> {
        let open = self.at;
        let mut depth = 0_u32;
        loop {
            let token = self.next()?;
            depth += u32::from(token.is("("));
            depth -= u32::from(token.is(")"));
            if depth == 0 {
                break;
            }
        }
        let inner = self.tokens.get(open + 1..self.at - 1)?;
        let words: Vec<_> = inner.iter().map(|it| it.text).collect();
        Some(super::normal(&words.join(" ")))
    }

    // Tokens

    pub fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.at)
    }

    pub fn peek_at(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.at + ahead)
    }

    pub fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        Some(token)
    }

    pub fn skip(&mut self, tokens: usize) {
        self.at += tokens;
    }

    pub fn eat(&mut self, mark: &str) -> Option<()> {
        self.peek()?.is(mark).then(|| self.at += 1)
    }

    pub fn eat_word(&mut self, word: &str) -> bool {
        let hit = self.peek().is_some_and(|it| it.is_word(word));
        self.at += usize::from(hit);
        hit
    }
}

/// `(a, b) = (1, 2)` is stored as `a = 1 AND b = 2`; `<>` as an OR.
fn rows(a: &[String], b: &[String], operator: &str) -> Option<Value> {
    if a.len() != b.len() || a.is_empty() || !matches!(operator, "=" | "<>") {
        return None;
    }
    let parts = a.iter().zip(b).map(|(a, b)| format!("({a} {operator} {b})")).collect();
    Some(if operator == "=" { Value::And(parts) } else { Value::Or(parts) })
}
