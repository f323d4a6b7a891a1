//! Schemas, extensions, types, functions, triggers, policies, rules, statistics, and what belongs to the database.

use super::{Query, own, rank};

pub fn queries(version: u32) -> Vec<Query> {
    vec![
        schemas(),
        extensions(),
        collations(version),
        enums(),
        domains(),
        domain_constraints(),
        composites(),
        ranges(version),
        functions(),
        aggregates(),
        casts(),
        operators(),
        foreign_servers(),
        statistics(),
        statistics_targets(),
        rules(),
        rule_states(),
        triggers(),
        trigger_states(),
        policies(),
        publications(version),
        event_triggers(),
    ]
}

fn schemas() -> Query {
    let sql = format!(
        "SELECT nspname, 'CREATE SCHEMA ' || quote_ident(nspname) FROM pg_namespace n WHERE nspname <> 'public' AND {} \
         UNION ALL SELECT 'public', 'DROP SCHEMA public' WHERE to_regnamespace('public') IS NULL",
        own("pg_namespace", "n.oid")
    );
    Query { rank: rank::SCHEMA, what: "schemas", sql }
}

fn extensions() -> Query {
    let sql = "SELECT extname, concat('CREATE EXTENSION ', quote_ident(extname), CASE WHEN nspname NOT IN ('public', 'pg_catalog') \
                 THEN ' WITH SCHEMA ' || quote_ident(nspname) END), 'VERSION ' || extversion \
               FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname <> 'plpgsql'";
    Query { rank: rank::EXTENSION, what: "extensions", sql: sql.into() }
}

fn collations(version: u32) -> Query {
    let locale = match version {
        17.. => "CASE WHEN collprovider <> 'c' THEN 'locale = ' || quote_literal(colllocale) END",
        15..=16 => "CASE WHEN collprovider <> 'c' THEN 'locale = ' || quote_literal(colliculocale) END",
        _ => "CASE WHEN collprovider <> 'c' THEN 'locale = ' || quote_literal(collcollate) END",
    };
    let sql = format!(
        "SELECT c.oid::regcollation, format('CREATE COLLATION %s (%s)', c.oid::regcollation, concat_ws(', ', \
           'provider = ' || CASE collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' ELSE 'default' END, \
           {locale}, CASE WHEN collprovider = 'c' THEN 'lc_collate = ' || quote_literal(collcollate) || ', lc_ctype = ' || quote_literal(collctype) END, \
           CASE WHEN NOT collisdeterministic THEN 'deterministic = false' END)) \
         FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE {}",
        own("pg_collation", "c.oid")
    );
    Query { rank: rank::COLLATION, what: "collations", sql }
}

fn enums() -> Query {
    let sql = format!(
        "SELECT t.oid::regtype, format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype, (SELECT string_agg(quote_literal(enumlabel), ', ' \
           ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)) \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND {}",
        own("pg_type", "t.oid")
    );
    Query { rank: rank::TYPE, what: "enums", sql }
}

fn domains() -> Query {
    let sql = format!(
        "SELECT t.oid::regtype, concat('CREATE DOMAIN ', t.oid::regtype, ' AS ', format_type(t.typbasetype, t.typtypmod), \
           CASE WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || t.typcollation::regcollation END, \
           ' DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN ' NOT NULL' END, \
           (SELECT string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(k.oid)), '' ORDER BY conname) \
            FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated)) \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype \
         WHERE t.typtype = 'd' AND {}",
        own("pg_type", "t.oid")
    );
    Query { rank: rank::TYPE, what: "domains", sql }
}

/// Those that are not valid; the others stand in CREATE DOMAIN.
fn domain_constraints() -> Query {
    let sql = format!(
        "SELECT t.oid::regtype || '.' || conname, format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', t.oid::regtype, conname, pg_get_constraintdef(k.oid)) \
         FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE k.contype = 'c' AND NOT k.convalidated AND {}",
        own("pg_type", "t.oid")
    );
    Query { rank: rank::CONSTRAINT, what: "constraints of domains", sql }
}

fn composites() -> Query {
    let sql = format!(
        "SELECT t.oid::regtype, format('CREATE TYPE %s AS (%s)', t.oid::regtype, (SELECT string_agg(concat(quote_ident(a.attname), ' ', \
             format_type(a.atttypid, a.atttypmod), CASE WHEN a.attcollation <> 0 AND a.attcollation <> at.typcollation \
             THEN ' COLLATE ' || a.attcollation::regcollation END), ', ' ORDER BY a.attnum) \
           FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c' WHERE {}",
        own("pg_type", "t.oid")
    );
    Query { rank: rank::TYPE, what: "composite types", sql }
}

fn ranges(version: u32) -> Query {
    // The multirange's name is made from the range's: `x_range` gives `x_multirange` (manual, CREATE TYPE).
    let multirange = if version >= 14 {
        "(SELECT 'multirange_type_name = ' || m.oid::regtype FROM pg_type m WHERE m.oid = r.rngmultitypid \
          AND m.typname NOT IN (t.typname || '_multirange', replace(t.typname, 'range', 'multirange')))"
    } else {
        "NULL"
    };
    let sql = format!(
        "SELECT t.oid::regtype, format('CREATE TYPE %s AS RANGE (%s)', t.oid::regtype, concat_ws(', ', \
           'subtype = ' || format_type(r.rngsubtype, NULL), \
           CASE WHEN NOT o.opcdefault THEN 'subtype_opclass = ' || quote_ident(o.opcname) END, \
           CASE WHEN r.rngcollation <> 0 AND r.rngcollation <> s.typcollation THEN 'collation = ' || r.rngcollation::regcollation END, \
           CASE WHEN r.rngcanonical <> 0 THEN 'canonical = ' || r.rngcanonical::regproc END, \
           CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff = ' || r.rngsubdiff::regproc END, {multirange})) \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_range r ON r.rngtypid = t.oid \
         JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE t.typtype = 'r' AND {}",
        own("pg_type", "t.oid")
    );
    Query { rank: rank::TYPE, what: "range types", sql }
}

fn functions() -> Query {
    let sql = format!(
        "SELECT p.oid::regprocedure, rtrim(pg_get_functiondef(p.oid), E'\\n') \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind <> 'a' AND {own} \
           AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')",
        own = own("pg_proc", "p.oid")
    );
    Query { rank: rank::FUNCTION, what: "functions", sql }
}

fn aggregates() -> Query {
    let sql = format!(
        "SELECT p.oid::regprocedure, format('CREATE AGGREGATE %I.%I(%s) (%s)', n.nspname, p.proname, \
           CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END, concat_ws(', ', \
             'SFUNC = ' || g.aggtransfn::regproc, 'STYPE = ' || format_type(g.aggtranstype, NULL), \
             CASE WHEN g.aggtransspace <> 0 THEN 'SSPACE = ' || g.aggtransspace END, \
             CASE WHEN g.aggfinalfn <> 0 THEN 'FINALFUNC = ' || g.aggfinalfn::regproc END, \
             CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END, \
             CASE WHEN g.aggfinalmodify <> CASE WHEN g.aggkind = 'n' THEN 'r' ELSE 'w' END THEN 'FINALFUNC_MODIFY = ' || \
               CASE g.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END, \
             CASE WHEN g.aggcombinefn <> 0 THEN 'COMBINEFUNC = ' || g.aggcombinefn::regproc END, \
             CASE WHEN g.aggserialfn <> 0 THEN 'SERIALFUNC = ' || g.aggserialfn::regproc END, \
             CASE WHEN g.aggdeserialfn <> 0 THEN 'DESERIALFUNC = ' || g.aggdeserialfn::regproc END, \
             'INITCOND = ' || quote_literal(g.agginitval), \
             CASE WHEN g.aggmtransfn <> 0 THEN 'MSFUNC = ' || g.aggmtransfn::regproc || ', MINVFUNC = ' || g.aggminvtransfn::regproc || \
               ', MSTYPE = ' || format_type(g.aggmtranstype, NULL) END, \
             CASE WHEN g.aggmfinalfn <> 0 THEN 'MFINALFUNC = ' || g.aggmfinalfn::regproc END, \
             CASE WHEN g.aggminitval IS NOT NULL THEN 'MINITCOND = ' || quote_literal(g.aggminitval) END, \
             CASE WHEN g.aggsortop <> 0 THEN 'SORTOP = ' || g.aggsortop::regoper END, \
             CASE WHEN g.aggkind = 'h' THEN 'HYPOTHETICAL' END, \
             CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END)) \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_aggregate g ON g.aggfnoid = p.oid WHERE {}",
        own("pg_proc", "p.oid")
    );
    Query { rank: rank::FUNCTION, what: "aggregates", sql }
}

fn casts() -> Query {
    // A cast has no schema: one made by hand is one whose function or types are not the system's.
    let sql = "SELECT c.castsource::regtype || ' ' || c.casttarget::regtype, format('CREATE CAST (%s AS %s) %s%s', \
           format_type(c.castsource, NULL), format_type(c.casttarget, NULL), \
           CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END, \
           CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END) \
         FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_cast'::regclass \
           AND e.objid = c.oid AND e.deptype IN ('e', 'i'))";
    Query { rank: rank::FUNCTION + 1, what: "casts", sql: sql.into() }
}

fn operators() -> Query {
    let sql = format!(
        "SELECT o.oid::regoperator, format('CREATE OPERATOR %I.%s (%s)', n.nspname, o.oprname, concat_ws(', ', \
           'FUNCTION = ' || o.oprcode::regproc, CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END, \
           CASE WHEN o.oprright <> 0 THEN 'RIGHTARG = ' || format_type(o.oprright, NULL) END, \
           CASE WHEN o.oprcom <> 0 THEN format('COMMUTATOR = OPERATOR(%I.%s)', cn.nspname, co.oprname) END, \
           CASE WHEN o.oprrest <> 0 THEN 'RESTRICT = ' || o.oprrest::regproc END, \
           CASE WHEN o.oprjoin <> 0 THEN 'JOIN = ' || o.oprjoin::regproc END, \
           CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)) \
         FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace LEFT JOIN pg_operator co ON co.oid = o.oprcom \
         LEFT JOIN pg_namespace cn ON cn.oid = co.oprnamespace WHERE o.oprcode <> 0 AND {}",
        own("pg_operator", "o.oid")
    );
    Query { rank: rank::FUNCTION + 1, what: "operators", sql }
}

fn foreign_servers() -> Query {
    let sql = "SELECT s.srvname, concat('CREATE SERVER ', quote_ident(s.srvname), ' TYPE ' || quote_literal(s.srvtype), \
           ' VERSION ' || quote_literal(s.srvversion), ' FOREIGN DATA WRAPPER ', quote_ident(w.fdwname), ' OPTIONS (' || \
           (SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' ORDER BY 1) \
            FROM pg_options_to_table(s.srvoptions) WHERE option_name !~* 'password|secret') || ')') \
         FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw";
    Query { rank: rank::FUNCTION + 1, what: "foreign servers", sql: sql.into() }
}

fn statistics() -> Query {
    // The server prints columns in the order of the table, which is no part of what a catalog is.
    // `stxexprs` came with 14.
    let definition = "CASE WHEN to_jsonb(s) ->> 'stxexprs' IS NULL \
         THEN format('CREATE STATISTICS %I.%I%s ON %s FROM %s', n.nspname, s.stxname, \
           substring(pg_get_statisticsobjdef(s.oid) FROM ' \\([a-z, ]+\\)(?= ON )'), \
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a \
            WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)), s.stxrelid::regclass) \
         ELSE pg_get_statisticsobjdef(s.oid) END";
    let sql = format!(
        "SELECT n.nspname || '.' || s.stxname, {definition} \
         FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {}",
        own("pg_statistic_ext", "s.oid")
    );
    Query { rank: rank::STATISTICS, what: "statistics", sql }
}

fn statistics_targets() -> Query {
    let sql = format!(
        "SELECT n.nspname || '.' || s.stxname, format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, s.stxstattarget) \
         FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxstattarget >= 0 AND {}",
        own("pg_statistic_ext", "s.oid")
    );
    Query { rank: rank::RULE, what: "statistics targets", sql }
}

fn rules() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || r.rulename, rtrim(pg_get_ruledef(r.oid), ';') \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE r.rulename <> '_RETURN' AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::RULE, what: "rules", sql }
}

fn rule_states() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || r.rulename, format('ALTER TABLE %s %s RULE %I', c.oid::regclass, {STATE}, r.rulename) \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace, \
         LATERAL (SELECT r.ev_enabled AS state) x WHERE r.rulename <> '_RETURN' AND r.ev_enabled <> 'O' AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::TABLE_SETTING, what: "states of rules", sql }
}

/// When a trigger or rule fires, from `x.state`.
const STATE: &str = "CASE x.state WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END";

/// A trigger of a partitioned table comes with the table's; its copies on partitions are left to it.
fn triggers() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid) \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::TRIGGER, what: "triggers", sql }
}

fn trigger_states() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || t.tgname, format('ALTER TABLE %s %s TRIGGER %I', c.oid::regclass, {STATE}, t.tgname) \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_trigger p ON p.oid = t.tgparentid, LATERAL (SELECT t.tgenabled AS state) x \
         WHERE NOT t.tgisinternal AND t.tgenabled <> coalesce(p.tgenabled, 'O') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::TABLE_SETTING, what: "states of triggers", sql }
}

fn policies() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || p.polname, concat('CREATE POLICY ', quote_ident(p.polname), ' ON ', c.oid::regclass, \
           CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END, \
           CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' END, \
           CASE WHEN p.polroles <> '{{0}}' THEN ' TO ' || (SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) \
             FROM pg_roles WHERE oid = ANY (p.polroles)) END, \
           ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::POLICY, what: "policies", sql }
}

fn publications(version: u32) -> Query {
    let (columns, schemas) = if version >= 15 {
        (
            "coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a \
              WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')', '') || \
              coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')",
            "(SELECT ' FOR TABLES IN SCHEMA ' || string_agg(quote_ident(pn.nspname), ', ' ORDER BY pn.nspname) \
              FROM pg_publication_namespace s JOIN pg_namespace pn ON pn.oid = s.pnnspid WHERE s.pnpubid = p.oid)",
        )
    } else {
        ("''", "NULL")
    };
    // Tables and schemas in one publication: the list of tables first, the schemas behind a comma.
    let sql = format!(
        "SELECT p.pubname, concat('CREATE PUBLICATION ', quote_ident(p.pubname), CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END, \
           x.tables, CASE WHEN x.tables IS NULL THEN x.schemas ELSE replace(x.schemas, ' FOR ', ', ') END, \
           ' WITH (publish = ''' || concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, \
             CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) || '''', \
           CASE WHEN pubviaroot THEN ', publish_via_partition_root = true' END, ')') \
         FROM pg_publication p, LATERAL (SELECT {schemas} AS schemas, (SELECT ' FOR TABLE ' || string_agg(r.prrelid::regclass || {columns}, ', ' \
           ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid) AS tables) x"
    );
    Query { rank: rank::DATABASE, what: "publications", sql }
}

fn event_triggers() -> Query {
    let sql = "SELECT t.evtname, concat('CREATE EVENT TRIGGER ', quote_ident(t.evtname), ' ON ', t.evtevent, \
           (SELECT ' WHEN TAG IN (' || string_agg(quote_literal(tag), ', ' ORDER BY tag) || ')' FROM unnest(t.evttags) tag), \
           ' EXECUTE FUNCTION ', t.evtfoid::regproc, '()'), nullif(t.evtenabled::text, 'O') \
         FROM pg_event_trigger t WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass \
           AND e.objid = t.oid AND e.deptype = 'e')";
    Query { rank: rank::DATABASE, what: "event triggers", sql: sql.into() }
}
