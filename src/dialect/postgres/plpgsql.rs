//! PL/pgSQL, as far as it says which SQL a block runs (manual, chapter 43): statements written out, EXECUTE of
//! literals, and the branches, loops and exception blocks around them. Expressions are not evaluated.

use std::ops::Range;

use super::{lower, nesting, unquote};
use crate::sql::{
    Arm, Code, CodeStep, DataStatement, Ddl, Severity, StepKind,
    tokens::{Token, TokenKind, tokens},
};

/// Blocks nested deeper are not read.
const DEEPEST: usize = 60;

/// The steps of a body in PL/pgSQL; `None` when it is not understood as a whole.
pub(super) fn parse(body: &str) -> Option<Code> {
    let mut reader = Reader { text: body, tokens: tokens(body), at: 0, depth: 0 };
    let steps = reader.block()?;
    reader.skip(";");
    // `#variable_conflict` and the like stand in front; nothing may stand behind.
    (reader.at == reader.tokens.len()).then_some(Code { steps: flat(steps) })
}

/// The statements of a body in SQL.
pub(super) fn parse_sql(body: &str) -> Code {
    let split = super::split::split(body);
    let steps = split.pieces.into_iter().map(|it| {
        let kind = match it.skip {
            true => StepKind::Hidden,
            false => statement(body.get(it.range.clone()).unwrap_or_default()),
        };
        CodeStep { range: it.range, kind }
    });
    Code { steps: steps.collect() }
}

/// A block without handlers is no more than its steps.
fn flat(step: CodeStep) -> Vec<CodeStep> {
    match step.kind {
        StepKind::Try { body, handlers } if handlers.is_empty() => body,
        kind => vec![CodeStep { kind, ..step }],
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|it| it.is(self.text, word))
    }

    fn is_one(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|it| self.is(at, it))
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.is(self.at, word);
        self.at += usize::from(found);
        found
    }

    fn require(&mut self, word: &str) -> Option<()> {
        self.skip(word).then_some(())
    }

    /// `<<name>>`.
    fn label(&mut self) {
        if self.is(self.at, "<") && self.is(self.at + 1, "<") {
            while self.at < self.tokens.len() && !(self.is(self.at, ">") && self.is(self.at + 1, ">")) {
                self.at += 1;
            }
            self.at += 2;
        }
    }

    /// Index of the next of the words that stands outside parentheses and CASE expressions.
    fn find(&self, words: &[&str]) -> Option<usize> {
        let (mut open, mut cases) = (0_usize, 0_usize);
        for at in self.at..self.tokens.len() {
            if open == 0 && cases == 0 && self.is_one(at, words) {
                return Some(at);
            }
            if self.is_one(at, &["(", "["]) {
                open += 1;
            } else if self.is_one(at, &[")", "]"]) {
                open = open.saturating_sub(1);
            } else if self.is(at, "case") {
                cases += 1;
            } else if self.is(at, "end") {
                cases = cases.saturating_sub(1);
            }
        }
        None
    }

    /// Bytes of the tokens from `from` up to, not including, `to`.
    fn span(&self, from: usize, to: usize) -> Range<usize> {
        let start = self.tokens.get(from).map_or(self.text.len(), |it| it.range.start);
        let end = to.checked_sub(1).and_then(|it| self.tokens.get(it)).map_or(start, |it| it.range.end);
        start..end.max(start)
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        self.text.get(self.span(from, to)).unwrap_or_default()
    }

    /// `[DECLARE …] BEGIN … [EXCEPTION …] END`, without the semicolon. A `Try`; without handlers the list is empty.
    fn block(&mut self) -> Option<CodeStep> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.label();
        let start = self.at;
        if self.skip("declare") {
            while !self.is(self.at, "begin") {
                self.at = self.find(&[";"])? + 1;
            }
        }
        self.require("begin")?;
        let body = self.steps(&["end", "exception"])?;
        let mut handlers = Vec::new();
        if self.skip("exception") {
            while self.skip("when") {
                self.at = self.find(&["then"])? + 1;
                handlers.extend(self.steps(&["when", "end"])?);
            }
            // A handler that does nothing still makes a difference: the error is swallowed.
            if handlers.is_empty() {
                let range = self.span(self.at, self.at + 1);
                handlers.push(CodeStep { range, kind: StepKind::Run(Vec::new()) });
            }
        }
        self.require("end")?;
        if self.tokens.get(self.at).is_some_and(Token::is_name) {
            self.at += 1;
        }
        self.depth -= 1;
        Some(CodeStep { range: self.span(start, self.at), kind: StepKind::Try { body, handlers } })
    }

    /// Statements up to one of the words.
    fn steps(&mut self, ends: &[&str]) -> Option<Vec<CodeStep>> {
        let mut res = Vec::new();
        loop {
            self.label();
            if self.is_one(self.at, ends) {
                return Some(res);
            }
            let start = self.at;
            let kind = self.step(&mut res)?;
            let range = self.span(start, self.at);
            self.require(";")?;
            res.extend(kind.map(|kind| CodeStep { range, kind }));
        }
    }

    /// One statement without its semicolon. What says nothing about the schema is no step.
    fn step(&mut self, acc: &mut Vec<CodeStep>) -> Option<Option<StepKind>> {
        let at = self.at;
        let word = self.tokens.get(at)?.text(self.text).to_ascii_lowercase();
        let kind = match word.as_str() {
            "begin" | "declare" => {
                let block = self.block()?;
                acc.extend(flat(block));
                return Some(None);
            }
            "if" => self.branch_if()?,
            "case" => self.branch_case()?,
            "loop" | "while" | "for" | "foreach" => {
                self.at = self.find(&["loop"])? + 1;
                let steps = self.steps(&["end"])?;
                self.at += 1;
                self.require("loop")?;
                if self.tokens.get(self.at).is_some_and(Token::is_name) {
                    self.at += 1;
                }
                StepKind::Loop(steps)
            }
            _ => {
                let end = self.find(&[";"])?;
                self.at = end;
                return Some(self.simple(&word, at, end));
            }
        };
        Some(Some(kind))
    }

    fn branch_if(&mut self) -> Option<StepKind> {
        let mut arms = Vec::new();
        loop {
            // IF or ELSIF.
            self.at += 1;
            let then = self.find(&["then"])?;
            let condition = Some(self.slice(self.at, then).into());
            self.at = then + 1;
            let steps = self.steps(&["elsif", "elseif", "else", "end"])?;
            arms.push(Arm { condition, steps });
            if self.is_one(self.at, &["elsif", "elseif"]) {
                continue;
            }
            if self.skip("else") {
                arms.push(Arm { condition: None, steps: self.steps(&["end"])? });
            }
            self.require("end")?;
            self.require("if")?;
            return Some(StepKind::Branch(arms));
        }
    }

    fn branch_case(&mut self) -> Option<StepKind> {
        self.at += 1;
        let first = self.find(&["when"])?;
        let operand = self.slice(self.at, first).to_owned();
        self.at = first;
        let mut arms = Vec::new();
        while self.skip("when") {
            let then = self.find(&["then"])?;
            let test = self.slice(self.at, then);
            let condition = if operand.is_empty() { test.to_owned() } else { format!("{operand} = ({test})") };
            self.at = then + 1;
            arms.push(Arm { condition: Some(condition.into()), steps: self.steps(&["when", "else", "end"])? });
        }
        if self.skip("else") {
            arms.push(Arm { condition: None, steps: self.steps(&["end"])? });
        }
        self.require("end")?;
        self.require("case")?;
        Some(StepKind::Branch(arms))
    }

    /// A statement that ends at the next semicolon.
    fn simple(&self, word: &str, from: usize, to: usize) -> Option<StepKind> {
        match word {
            "null" | "get" | "open" | "fetch" | "move" | "close" | "assert" => None,
            "return" if self.is_one(from + 1, &["next", "query"]) => None,
            "return" | "exit" | "continue" => Some(StepKind::Leave),
            "raise" if self.is_one(from + 1, &["debug", "log", "info", "notice", "warning"]) => None,
            "raise" => Some(StepKind::Fail),
            "execute" => Some(self.execute(from + 1, to)),
            "perform" => Some(statement(&format!("SELECT {}", self.slice(from + 1, to)))),
            _ => match self.assigned(from, to) {
                Some(value) => Some(statement(&format!("SELECT {}", self.slice(value, to)))),
                None => Some(self.sql(word, from, to)),
            },
        }
    }

    /// Where the value of `variable[.field] := value` begins.
    fn assigned(&self, from: usize, to: usize) -> Option<usize> {
        let mut at = from + 1;
        while at < to && self.is(at, ".") {
            at += 2;
        }
        if self.is(at, "[") {
            at = (at..to).find(|it| self.is(*it, "]"))? + 1;
        }
        match () {
            () if self.is(at, ":") && self.is(at + 1, "=") => Some(at + 2),
            () if self.is(at, "=") => Some(at + 1),
            () => None,
        }
    }

    fn sql(&self, word: &str, from: usize, to: usize) -> StepKind {
        let rows = matches!(word, "select" | "with" | "insert" | "update" | "delete" | "merge");
        if !rows {
            return statement(self.slice(from, to));
        }
        // INTO of PL/pgSQL names variables: `SELECT … INTO v …`, `… RETURNING x INTO v`.
        let outside = Reader { text: self.text, tokens: self.tokens.clone(), at: from, depth: 0 };
        let returning = outside.find(&["returning"]).filter(|it| *it < to).unwrap_or(to);
        let into = match word {
            "insert" | "merge" => None,
            _ => outside.find(&["into"]).filter(|it| *it < returning),
        };
        let text = match into {
            Some(at) => {
                let mut rest = at + 1 + usize::from(self.is(at + 1, "strict"));
                while rest < returning && (self.tokens.get(rest).is_some_and(Token::is_name) || self.is(rest, ".")) {
                    rest += 1;
                    rest += usize::from(self.is(rest, ","));
                    if self.is_one(rest, &["from", "where", "order", "group", "limit", "union"]) {
                        break;
                    }
                }
                format!("{} {}", self.slice(from, at), self.slice(rest, returning))
            }
            None => self.slice(from, returning).to_owned(),
        };
        match statement(&text) {
            // Rows alone: that a variable stands in a place the parser does not expect is no matter.
            StepKind::Hidden => {
                let (verb, target) = (word.to_ascii_uppercase().into(), None);
                let data = DataStatement { verb, target, filtered: true, rewrites: false, calls: Vec::new() };
                StepKind::Run(vec![Ddl::Data(data)])
            }
            kind => kind,
        }
    }

    /// `EXECUTE text [INTO …] [USING …]`.
    fn execute(&self, from: usize, to: usize) -> StepKind {
        let outside = Reader { text: self.text, tokens: self.tokens.clone(), at: from, depth: 0 };
        let end = outside.find(&["into", "using"]).map_or(to, |it| it.min(to));
        match self.constant(from, end) {
            Some(text) => statement(&text),
            None => StepKind::Hidden,
        }
    }

    /// The value of literals joined by `||`, or of `format` on literals.
    fn constant(&self, from: usize, to: usize) -> Option<String> {
        let (mut from, mut to) = (from, to);
        while self.is(from, "(") && self.is(to.checked_sub(1)?, ")") && !(from + 1..to - 1).any(|it| self.is(it, "(")) {
            (from, to) = (from + 1, to - 1);
        }
        if self.is(from, "format") && self.is(from + 1, "(") && self.is(to.checked_sub(1)?, ")") {
            return self.formatted(from + 2, to - 1);
        }
        let mut res = String::new();
        let mut at = from;
        loop {
            res.push_str(&self.literal(at)?);
            at += 1;
            if at == to {
                return Some(res);
            }
            (self.is(at, "|") && self.is(at + 1, "|")).then_some(())?;
            at += 2;
        }
    }

    fn literal(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at)?;
        (token.kind == TokenKind::Literal).then(|| unquote::string(token.text(self.text)).into_owned())
    }

    fn formatted(&self, from: usize, to: usize) -> Option<String> {
        let template = self.literal(from)?;
        let mut values = Vec::new();
        let mut at = from + 1;
        while at < to {
            self.is(at, ",").then_some(())?;
            values.push(self.literal(at + 1)?);
            at += 2;
        }
        let mut values = values.into_iter();
        let mut res = String::new();
        let mut chars = template.chars();
        while let Some(char) = chars.next() {
            match (char, char == '%') {
                (char, false) => res.push(char),
                (_, true) => match chars.next()? {
                    '%' => res.push('%'),
                    's' => res.push_str(&values.next()?),
                    'I' => res.push_str(&crate::sql::quote(&crate::sql::Ident::new(&values.next()?))),
                    'L' => res.push_str(&crate::sql::literal(&values.next()?)),
                    _ => return None,
                },
            }
        }
        Some(res)
    }
}

/// What one SQL statement is, read on its own.
fn statement(text: &str) -> StepKind {
    let text = text.trim().trim_end_matches(';');
    if nesting::too_deep(text, true) {
        return StepKind::Hidden;
    }
    let parsed = lower::parse(text, 0..text.len());
    if parsed.problems.iter().any(|it| it.severity == Severity::Error) || parsed.ddl.is_empty() {
        return StepKind::Hidden;
    }
    StepKind::Run(parsed.ddl)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps in one line each, indented.
    fn shown(body: &str) -> String {
        fn lines(steps: &[CodeStep], depth: usize, res: &mut String) {
            for step in steps {
                let mut line = |text: &str| res.push_str(&format!("{}{text}\n", "  ".repeat(depth)));
                match &step.kind {
                    StepKind::Run(ddl) => {
                        let shown: Vec<String> = ddl.iter().map(crate::dialect::postgres::render::ddl).collect();
                        line(&shown.join("; "));
                    }
                    StepKind::Hidden => line("hidden"),
                    StepKind::Leave => line("leave"),
                    StepKind::Fail => line("fail"),
                    StepKind::Loop(steps) => {
                        line("loop");
                        lines(steps, depth + 1, res);
                    }
                    StepKind::Branch(arms) => {
                        for arm in arms {
                            let words = arm.condition.as_ref().map_or("else".to_owned(), |it| format!("if {it}"));
                            res.push_str(&format!("{}{words}\n", "  ".repeat(depth)));
                            lines(&arm.steps, depth + 1, res);
                        }
                    }
                    StepKind::Try { body, handlers } => {
                        line("try");
                        lines(body, depth + 1, res);
                        res.push_str(&format!("{}handlers\n", "  ".repeat(depth)));
                        lines(handlers, depth + 1, res);
                    }
                }
            }
        }
        let mut res = String::new();
        match parse(body) {
            Some(code) => lines(&code.steps, 0, &mut res),
            None => res.push_str("not understood\n"),
        }
        res
    }

    #[test]
    fn statements_are_found_in_branches_loops_and_blocks() {
        let body = "
            DECLARE n integer := 0; r record; c CURSOR FOR SELECT 1;
            BEGIN
              IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'x') THEN CREATE TYPE x AS ENUM ('a'); END IF;
              IF CASE WHEN n = 1 THEN true ELSE false END THEN DROP TABLE a;
              ELSIF n > 2 THEN DROP TABLE b; ELSE NULL; END IF;
              BEGIN ALTER TABLE t ADD COLUMN c integer; EXCEPTION WHEN duplicate_column THEN RAISE NOTICE 'there; it is'; END;
              <<outer>> FOR r IN SELECT * FROM s LOOP EXECUTE format('DROP TABLE %I', r.name); EXIT outer; END LOOP outer;
              n := n + 1; SELECT count(*) INTO n FROM t; INSERT INTO t VALUES (1) RETURNING id INTO n;
              PERFORM setup(); EXECUTE 'DROP ' || 'TABLE d'; EXECUTE format('ALTER TABLE %I SET (fillfactor = %s)', 'E', '70');
              CASE n WHEN 1 THEN RETURN; ELSE RAISE EXCEPTION 'no'; END CASE;
            END";
        expect_test::expect![[r#"
            if NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'x')
              CREATE TYPE x AS ENUM ('a')
            if CASE WHEN n = 1 THEN true ELSE false END
              DROP TABLE a
            if n > 2
              DROP TABLE b
            else
            try
              ALTER TABLE t ADD COLUMN c integer
            handlers
              
            loop
              hidden
              leave
            /* SELECT */
            /* SELECT */
            /* INSERT t */
            /* SELECT */
            DROP TABLE d
            ALTER TABLE "E" SET (fillfactor = 70)
            if n = (1)
              leave
            else
              fail
        "#]]
        .assert_eq(&shown(body));
    }

    #[test]
    fn what_is_no_block_is_not_understood() {
        for body in ["", "BEGIN", "BEGIN IF x THEN END", "SELECT 1", "BEGIN END; DROP TABLE t", "BEGIN BEGIN END END"] {
            assert_eq!(shown(body), "not understood\n", "{body}");
        }
        assert_eq!(shown("BEGIN END"), "");
        let deep = format!("{}{}", "BEGIN ".repeat(200), "END; ".repeat(200));
        assert_eq!(shown(&deep), "not understood\n");
    }
}
