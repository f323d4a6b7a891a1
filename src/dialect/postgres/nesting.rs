//! How deep a statement nests: squawk's parser and the trees it builds are walked by recursion without a limit.

use super::lexer::{Kind, tokens};

/// What a statement may cost at most. Measured on squawk 2.68 in a debug build on a stack of 2 MiB: it overflows at
/// 450 nested brackets, 585 nested BETWEENs, 1,200 prefix operators, 2,000 concatenations, 7,000 terms in a row.
/// With the weights below none of these is reached by half.
const LIMIT: usize = 4000;
const BRACKET: usize = 16;

/// Is the text too deep for the parser? `inside_strings`: what stands in string literals is parsed too (the body of
/// an SQL function).
pub(super) fn too_deep(text: &str, inside_strings: bool) -> bool {
    let mut open = vec![Level::default()];
    let mut total = 0_usize;
    for token in tokens(text) {
        let nested = open.len() > 1;
        let Some(top) = open.last_mut() else { return true };
        match token.kind {
            Kind::Mark => match token.text {
                "(" | "[" => {
                    total += BRACKET;
                    open.push(Level::default());
                }
                ")" | "]" if nested => {
                    total = total.saturating_sub(top.chain + top.kept + BRACKET);
                    open.pop();
                    // A closed bracket is a link of the chain it stands in: `a[1][2]`.
                    if let Some(top) = open.last_mut() {
                        top.add(&mut total, 3);
                    }
                }
                "," | ";" => {
                    total = total.saturating_sub(top.chain);
                    top.chain = 0;
                }
                _ => top.add(&mut total, 1),
            },
            Kind::Operator => top.add(&mut total, 6),
            Kind::Word => match word_weight(token.text) {
                Weight::Token(weight) => top.add(&mut total, weight),
                Weight::Open => {
                    top.kept += BRACKET;
                    total += BRACKET;
                }
                Weight::Close => {
                    let less = top.kept.min(BRACKET);
                    top.kept -= less;
                    total = total.saturating_sub(less);
                }
            },
            Kind::String if inside_strings && total + max_inside(token.text) > LIMIT => return true,
            _ => top.add(&mut total, 1),
        }
        if total > LIMIT {
            return true;
        }
    }
    false
}

/// A bound for what a string may cost when it is parsed as SQL: as [`too_deep`], on the text between the quotes.
fn max_inside(text: &str) -> usize {
    let inner = text.trim_start_matches(|it| it != '\'' && it != '$').trim_matches(['\'', '$']);
    // A tagged quote keeps its tag, which is a harmless word. Strings in the body are not parsed.
    if inner.len() > LIMIT / BRACKET && too_deep(inner, false) { LIMIT } else { 0 }
}

#[derive(Default)]
struct Level {
    /// Tokens since the last comma: a chain of operators becomes a tree as deep as it is long.
    chain: usize,
    /// CASE without END.
    kept: usize,
}

impl Level {
    fn add(&mut self, total: &mut usize, weight: usize) {
        self.chain += weight;
        *total += weight;
    }
}

enum Weight {
    Token(usize),
    Open,
    Close,
}

fn word_weight(word: &str) -> Weight {
    if word.len() > 7 {
        return Weight::Token(1);
    }
    let is = |it: &str| word.eq_ignore_ascii_case(it);
    if is("case") {
        Weight::Open
    } else if is("end") {
        Weight::Close
    } else if is("not") || is("between") || is("explain") || is("and") || is("or") {
        Weight::Token(6)
    } else {
        Weight::Token(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_statements_are_not_too_deep() {
        let wide = format!("insert into t values {}", vec!["(1, 'a', now())"; 10_000].join(", "));
        assert!(!too_deep(&wide, false));
        let query = format!("select {} from t", vec!["case when a = 1 then 'x' else 'y' end"; 500].join(", "));
        assert!(!too_deep(&query, false));
        let chain = format!("select 1 where {}", vec!["a = 1"; 200].join(" or "));
        assert!(!too_deep(&chain, false));
    }

    #[test]
    fn what_overflows_the_parser_is_too_deep() {
        for text in [
            "(".repeat(20_000),
            "case when ".repeat(700),
            "- ".repeat(1_200),
            "not ".repeat(1_200),
            " between 1 and 2".repeat(580),
            "||1".repeat(2_000),
            "explain ".repeat(2_000),
            "select * from (".repeat(400),
        ] {
            assert!(too_deep(&text, false), "{}", &text[..20]);
        }
        let body = format!("create function f() returns int language sql as $$ select {}1 $$", "(".repeat(500));
        assert!(too_deep(&body, true));
        assert!(!too_deep(&body, false));
    }

    /// The deepest statement of each shape that is let through is parsed on a thread with a stack of 2 MiB, as
    /// test threads and tokio's have.
    #[test]
    fn what_is_not_too_deep_is_parsed_on_a_small_stack() {
        use crate::dialect::{Dialect, postgres::Postgres};
        let shapes: [fn(usize) -> String; 14] = [
            |n| format!("create table t (a int default {}1{})", "(".repeat(n), ")".repeat(n)),
            |n| format!("create table t (a int check ({}a > 1{}))", "not (".repeat(n), ")".repeat(n)),
            |n| format!("create view v as select {}1{}", "(select ".repeat(n), ")".repeat(n)),
            |n| format!("create view v as {}select 1{}", "select * from (".repeat(n), ") a".repeat(n)),
            |n| format!("create index i on t ((a{}))", " || 'x'".repeat(n)),
            |n| format!("create index i on t (({}a))", "- ".repeat(n)),
            |n| format!("alter table t alter a set default {}1{}", "case when ".repeat(n), " then 1 end".repeat(n)),
            |n| format!("alter table t add check (a{})", " between 1 and 2".repeat(n)),
            |n| format!("select {}1{}", "f(".repeat(n), ")".repeat(n)),
            |n| format!("{}select 1{}", "with a as (".repeat(n), ") select 1".repeat(n)),
            |n| format!("select a{}", "[1]".repeat(n)),
            |n| format!("select 1{}", " union select 1".repeat(n)),
            |n| {
                format!(
                    "create function f() returns int language sql as $$ select {}1{} $$",
                    "(".repeat(n),
                    ")".repeat(n)
                )
            },
            |n| format!("select {}", "array[".repeat(n)),
        ];
        for shape in shapes {
            let depth =
                (0..13).rev().fold(0, |it, bit| if too_deep(&shape(it | 1 << bit), true) { it } else { it | 1 << bit });
            assert!(depth > 20, "{}", shape(2));
            let text = shape(depth);
            let thread = std::thread::Builder::new().stack_size(2 << 20);
            let parsed = thread.spawn(move || Postgres.parse(&text, 0..text.len())).unwrap().join().unwrap();
            assert!(!parsed.ddl.is_empty() || !parsed.problems.is_empty());
        }
    }
}
