//! Comments and privileges.

use super::{Query, USER_SCHEMA, own, rank};

pub fn queries(version: u32) -> Vec<Query> {
    vec![comments(), grants(version), column_grants(), default_privileges()]
}

/// Comments on everything of ours. `pg_identify_object` knows how each kind is named in SQL.
fn comments() -> Query {
    let sql = format!(
        "SELECT x.target, 'COMMENT ON ' || x.target || ' IS ' || quote_literal(d.description) \
         FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i CROSS JOIN LATERAL ( \
           SELECT CASE i.type WHEN 'table column' THEN 'COLUMN' WHEN 'view column' THEN 'COLUMN' WHEN 'materialized view column' THEN 'COLUMN' \
             WHEN 'composite type column' THEN 'COLUMN' WHEN 'foreign table column' THEN 'COLUMN' WHEN 'table constraint' THEN 'CONSTRAINT' \
             WHEN 'domain constraint' THEN 'CONSTRAINT' WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END || ' ' || \
           CASE WHEN i.type = 'domain constraint' THEN replace(i.identity, ' on ', ' ON DOMAIN ') \
             WHEN i.type IN ('table constraint', 'trigger', 'policy', 'rule') THEN replace(i.identity, ' on ', ' ON ') \
             ELSE i.identity END AS target) x \
         LEFT JOIN pg_namespace n ON n.nspname = i.schema \
         WHERE i.type <> 'extension' AND i.type NOT LIKE 'operator %' AND i.type <> 'language' AND i.type <> 'access method' \
           AND NOT (i.type = 'schema' AND (i.identity LIKE 'pg\\_%' OR i.identity IN ('public', 'information_schema'))) \
           AND d.objoid >= 16384 AND (n.nspname IS NULL OR {USER_SCHEMA}) \
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')"
    );
    Query { rank: rank::COMMENT, what: "comments", sql }
}

/// Objects with access lists: kind in GRANT, name, owner, list, letter for `acldefault`.
fn grants(version: u32) -> Query {
    // Schema public is open to PUBLIC from the start: USAGE, and CREATE until 14.
    let public = if version >= 15 { "'=U/'" } else { "'=UC/'" };
    let (relation, routine, ty, schema) =
        (own("pg_class", "c.oid"), own("pg_proc", "p.oid"), own("pg_type", "t.oid"), own("pg_namespace", "n.oid"));
    let sql = format!(
        "WITH objects(kind, name, owner, acl, standard) AS ( \
           SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, c.relacl, \
             acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner) \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {relation} \
           UNION ALL SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure::text, p.proowner, p.proacl, \
             acldefault('f', p.proowner) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {routine} \
           UNION ALL SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype::text, t.typowner, t.typacl, \
             acldefault('T', t.typowner) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE t.typacl IS NOT NULL AND t.typtype IN ('e', 'd', 'c', 'r') AND {ty} \
           UNION ALL SELECT 'SCHEMA', quote_ident(n.nspname), n.nspowner, n.nspacl, acldefault('n', n.nspowner) || \
             CASE WHEN n.nspname = 'public' THEN ARRAY[({public} || quote_ident(o.rolname))::aclitem] ELSE '{{}}' END \
           FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE {schema}), \
         actual AS (SELECT kind, name, owner, grantee, privilege_type, is_grantable FROM objects, aclexplode(acl) WHERE acl IS NOT NULL), \
         standard AS (SELECT kind, name, owner, grantee, privilege_type, is_grantable FROM objects, aclexplode(standard) WHERE acl IS NOT NULL), \
         changed AS ( \
           SELECT 'GRANT' AS verb, * FROM (SELECT * FROM actual EXCEPT SELECT * FROM standard) g WHERE grantee <> owner \
           UNION ALL SELECT 'REVOKE', * FROM (SELECT kind, name, owner, grantee, privilege_type, false FROM standard \
             EXCEPT SELECT kind, name, owner, grantee, privilege_type, false FROM actual) r) \
         SELECT kind || ' ' || name || ' ' || who || verb, format('%s %s ON %s %s %s %s%s', verb, \
           string_agg(privilege_type, ', ' ORDER BY privilege_type), kind, name, CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END, who, \
           CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM (SELECT c.*, coalesce(quote_ident(r.rolname), 'PUBLIC') AS who FROM changed c LEFT JOIN pg_roles r ON r.oid = c.grantee) x \
         GROUP BY verb, kind, name, who, is_grantable"
    );
    Query { rank: rank::GRANT, what: "privileges", sql }
}

fn column_grants() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || ' ' || who || privilege_type, format('GRANT %s (%s) ON TABLE %s TO %s%s', privilege_type, \
           string_agg(quote_ident(attname), ', ' ORDER BY attname), c.oid::regclass, who, \
           CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM (SELECT a.attrelid, a.attname, e.privilege_type, e.is_grantable, coalesce(quote_ident(r.rolname), 'PUBLIC') AS who \
             FROM pg_attribute a, aclexplode(a.attacl) e LEFT JOIN pg_roles r ON r.oid = e.grantee \
             WHERE a.attacl IS NOT NULL AND NOT a.attisdropped) x \
         JOIN pg_class c ON c.oid = x.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {} \
         GROUP BY c.oid, who, privilege_type, is_grantable",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::GRANT, what: "privileges on columns", sql }
}

fn default_privileges() -> Query {
    // Global entries replace the built-in defaults, entries of a schema come on top (manual, ALTER DEFAULT PRIVILEGES).
    let sql = "WITH entries AS (SELECT d.oid, d.defaclrole, d.defaclobjtype, d.defaclacl, d.defaclnamespace, \
             CASE WHEN d.defaclnamespace = 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'::\"char\" ELSE d.defaclobjtype END, d.defaclrole) \
               END AS standard FROM pg_default_acl d), \
         actual AS (SELECT e.oid, a.grantee, a.privilege_type, a.is_grantable FROM entries e, aclexplode(e.defaclacl) a), \
         standard AS (SELECT e.oid, a.grantee, a.privilege_type, a.is_grantable FROM entries e, aclexplode(e.standard) a), \
         changed AS (SELECT 'GRANT' AS verb, * FROM (SELECT * FROM actual EXCEPT SELECT * FROM standard) g \
           UNION ALL SELECT 'REVOKE', * FROM (SELECT * FROM standard EXCEPT SELECT * FROM actual) r) \
         SELECT e.defaclrole::regrole || ' ' || e.defaclnamespace::regnamespace::text || e.defaclobjtype::text || who || verb, \
           format('ALTER DEFAULT PRIVILEGES%s%s %s %s ON %s %s %s%s', \
             CASE WHEN pg_get_userbyid(e.defaclrole) <> current_user THEN ' FOR ROLE ' || e.defaclrole::regrole ELSE '' END, \
             CASE WHEN e.defaclnamespace <> 0 THEN ' IN SCHEMA ' || e.defaclnamespace::regnamespace ELSE '' END, verb, \
             string_agg(privilege_type, ', ' ORDER BY privilege_type), \
             CASE e.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' \
               WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END, \
             CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END, who, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM (SELECT c.*, coalesce(quote_ident(r.rolname), 'PUBLIC') AS who FROM changed c LEFT JOIN pg_roles r ON r.oid = c.grantee) x \
         JOIN entries e ON e.oid = x.oid GROUP BY e.oid, e.defaclrole, e.defaclnamespace, e.defaclobjtype, verb, who, is_grantable";
    Query { rank: rank::GRANT + 1, what: "default privileges", sql: sql.into() }
}
