//! Each row: what a user may write, and what PostgreSQL 13 to 18 print for it.

use super::*;

#[track_caller]
fn same(written: &[&str]) {
    let canons: Vec<_> = written.iter().map(|it| (expr(it).canon().to_owned(), *it)).collect();
    for (canon, text) in &canons {
        assert_eq!(*canon, canons[0].0, "{text}");
        assert!(operators::canonical(text).is_some(), "not read: {text}");
    }
}

#[track_caller]
fn differ(a: &str, b: &str) {
    assert_ne!(expr(a), expr(b));
}

#[test]
fn constants_lose_their_casts() {
    same(&["'x'", "'x'::text", "('x'::character varying)", "CAST('x' AS varchar(10))", "'x'::public.mood"]);
    same(&["-1", "'-1'::integer", "(-1)", "- 1", "'-1'::bigint", "(-1)::bigint"]);
    same(&["0", "(0)::numeric", "0::bigint", "'0'::bigint", "'0'", "((0))"]);
    same(&["true", "TRUE", "'t'::boolean", "'true'::bool", "'true'"]);
    same(&["NULL", "NULL::character varying", "null"]);
    same(&["'{}'", "'{}'::jsonb", "'{}'::text[]"]);
    same(&["'1 day'::interval", "interval '1 day'", "INTERVAL '1' DAY"]);
    same(&["interval '90 minutes'", "'01:30:00'::interval", "interval '1 hour 30 min'"]);
    same(&["interval '2 weeks'", "'14 days'::interval"]);
    same(&["date '2020-01-01'", "'2020-01-01'::date"]);
    same(&["timestamp with time zone '2020-01-01 00:00+00'", "'2020-01-01 00:00+00'::timestamptz"]);
    same(&["ARRAY['a','b']", "ARRAY['a'::text, 'b'::text]", "array['a'::varchar, 'b']::text[]"]);
    same(&["E'a\\nb'", "'a\nb'"]);
    differ("'a'", "'b'");
    differ("1.0", "1");
    differ("'007'", "7");
    differ("a::integer", "a");
}

#[test]
fn operators_bind_as_the_server_binds_them() {
    same(&["a + b * c", "(a + (b * c))"]);
    same(&["a between 1 and 2 or b", "(((a >= 1) AND (a <= 2)) OR b)"]);
    same(&["not a = 1 and b", "((NOT (a = 1)) AND b)"]);
    same(&["a || b || c", "((a || b) || c)"]);
    same(&["a and b and c", "(a AND (b AND c))", "((a AND b) AND c)"]);
    same(&["a < b is true", "((a < b) IS TRUE)"]);
    same(&["- a ^ 2", "((- a) ^ 2)"]);
    same(&["a = b || c", "(a = (b || c))"]);
    same(&["data ->> 'a' = 'b'", "((data ->> 'a'::text) = 'b'::text)"]);
    same(&["a::int + 1", "((a)::integer + 1)"]);
    differ("(a + b) * c", "a + b * c");
    differ("a - (b - c)", "a - b - c");
}

#[test]
fn words_are_what_they_stand_for() {
    same(&[
        "status in ('a', 'b')",
        "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
    ]);
    same(&["status IN ('a')", "(status = 'a'::text)"]);
    same(&["status not in ('a','b')", "(status <> ALL (ARRAY['a'::text, 'b'::text]))"]);
    same(&["a != 1", "(a <> 1)"]);
    same(&["a like 'x%'", "((a)::text ~~ 'x%'::text)"]);
    same(&["a not ilike 'x'", "(a !~~* 'x'::text)"]);
    same(&["a between 1 and 10", "((a >= 1) AND (a <= 10))"]);
    same(&["a > 0 and a between 1 and 10", "((a > 0) AND (a >= 1) AND (a <= 10))"]);
    same(&["a not between 1 and 10", "((a < 1) OR (a > 10))"]);
    same(&["a similar to 'x'", "(a ~ similar_to_escape('x'::text))"]);
    same(&["a is not distinct from b", "(NOT (a IS DISTINCT FROM b))"]);
    same(&["a isnull", "(a IS NULL)"]);
    same(&["now() at time zone 'utc'", "timezone('utc'::text, now())", "(now() AT TIME ZONE 'utc'::text)"]);
    same(&["extract(year from d)", "EXTRACT(year FROM d)", "date_part('year'::text, d)"]);
    same(&["substring(a from 1 for 2)", "\"substring\"(a, 1, 2)", "SUBSTRING(a FROM 1 FOR 2)"]);
    same(&["trim(a)", "btrim(a)", "TRIM(BOTH FROM a)"]);
    same(&["position('x' in a)", "POSITION(('x'::text) IN (a))"]);
    same(&["case when a then 1 else null end", "CASE WHEN a THEN 1 ELSE NULL::integer END", "case when a then 1 end"]);
    same(&["CURRENT_TIMESTAMP", "current_timestamp"]);
    same(&["a operator(pg_catalog.=) b", "a = b"]);
    differ("CURRENT_TIMESTAMP", "now()");
    differ("a is true", "a is not true");
}

#[test]
fn names_and_functions() {
    same(&[
        "nextval('s')",
        "nextval('public.s'::regclass)",
        "nextval('s'::regclass)",
        "pg_catalog.nextval('public.\"s\"')",
    ]);
    same(&["lower(\"name\")", "lower((name)::text)", "pg_catalog.lower(name)", "LOWER(Name)"]);
    same(&["COALESCE(a, 0)", "coalesce(a, (0)::bigint)"]);
    same(&["gen_random_uuid()", "public.gen_random_uuid()"]);
    same(&["new.a is distinct from old.a", "(NEW.a IS DISTINCT FROM OLD.a)"]);
    same(&["a collate \"C\"", "(a COLLATE \"C\")", "a collate pg_catalog.\"C\""]);
    same(&["(home).city", "(home).city"]);
    same(&["tags[1]", "(tags)[1]"]);
    same(&["a = any(tags)", "(a = ANY (tags))"]);
    same(&["f(a => 1, variadic b)", "f(a => 1, VARIADIC b)"]);
    same(&["user = owner", "(CURRENT_USER = owner)"]);
    same(&["exists (select 1 from t)", "(EXISTS ( SELECT 1\n FROM t))"]);
    same(&["a in (select b from t)", "(a IN ( SELECT b FROM t))"]);
    differ("\"Name\"", "name");
    differ("f(a, b)", "f(b, a)");
}

#[test]
fn what_is_no_expression_is_compared_by_its_tokens() {
    for text in ["select 1", "for values from (1) to (2)", "a b c", "(", "", "a +", "'open", "case when"] {
        assert_eq!(operators::canonical(text), None, "{text}");
    }
    assert_eq!(query("SELECT  A -- x\n FROM \"b\""), query("select a from b"));
    assert_ne!(query("select 'A'"), query("select 'a'"));
    assert_eq!(operators::canonical(&"(".repeat(100_000)), None);
}

#[test]
fn columns_and_renames() {
    let columns = |text: &str| columns_in(&expr(text)).iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(columns("lower(a) = 'b' and t.c::date is not null or d at time zone 'utc' > now()"), ["a", "c", "d"]);
    assert_eq!(columns("extract(year from x) between y and z"), ["x", "y", "z"]);
    let renamed = rename_in(&expr("a > 0 and t.a < f(b) and a(a) <> 'a'"), &"a".into(), &"B".into());
    assert_eq!(renamed.text(), "\"B\" > 0 and t.\"B\" < f(b) and a(\"B\") <> 'a'");
    assert_eq!(renamed, expr(renamed.text()));
}
