//! Every hazard of a migration that is known, and what becomes of it here: rules, or the reason why there is none.

use super::RULES;

/// One row: a hazard as the field knows it.
#[derive(Clone, Copy, Debug)]
pub struct Hazard {
    pub id: &'static str,
    pub title: &'static str,
    /// Codes of the rules that find it; none: `note` says why.
    pub rules: &'static [&'static str],
    /// Why there is no rule, or what else is to be said.
    pub note: &'static str,
    /// Other linters that have it, in any form: see [`PEERS`].
    pub peers: &'static str,
}

/// The other linters, by the letters in [`Hazard::peers`].
pub const PEERS: &[(&str, &str)] = &[
    ("SQ", "squawk"),
    ("PL", "postgres-language-server"),
    ("EU", "eugene"),
    ("PF", "pgfence"),
    ("SM", "strong_migrations"),
    ("AT", "Atlas"),
    ("SD", "pg-schema-diff"),
    ("BB", "Bytebase"),
    ("DJ", "django-migration-linter"),
];

const fn row(
    id: &'static str,
    title: &'static str,
    rules: &'static [&'static str],
    note: &'static str,
    peers: &'static str,
) -> Hazard {
    Hazard { id, title, rules, note, peers }
}

const OLD: &str = "before PostgreSQL 11 only; 13 is the oldest version here";
const STYLE: &str = "a matter of style: no lock, no loss, no failure";

/// All of them, by subject.
#[rustfmt::skip]
pub const HAZARDS: &[Hazard] = &[
    row("C01", "ADD COLUMN with a volatile default", &["add-column-volatile-default"], "", "SQ PL PF SM AT BB"),
    row("C02", "ADD COLUMN with any default", &[], OLD, "SQ PL PF SM BB"),
    row("C03", "ADD COLUMN … NOT NULL without a default", &["add-column-not-null-without-default"], "", "SQ PL PF AT BB DJ"),
    row("C04", "ADD COLUMN serial or identity", &["add-column-serial"], "", "SQ PL EU PF SM"),
    row("C05", "ADD COLUMN … STORED", &["add-column-stored-generated"], "", "SQ PL EU PF SM"),
    row("C06", "ADD COLUMN … VIRTUAL", &[], "no hazard: metadata only (18)", ""),
    row("C07", "ADD COLUMN of a constrained domain", &["add-column-constrained-domain"], "", ""),
    row("C08", "ADD COLUMN with a CHECK", &["add-column-inline-check"], "", "EU"),
    row("C09", "ADD COLUMN with REFERENCES", &["add-column-inline-references"], "", "SQ SM"),
    row("C10", "ADD COLUMN with UNIQUE or PRIMARY KEY", &["add-column-inline-unique"], "", "SQ"),
    row("C11", "ADD COLUMN and SET NOT NULL in one ALTER TABLE", &["set-not-null-scan"], "", ""),
    row("C12", "A column of type json", &["add-json-column"], "", "PL EU PF SM"),
    row("C13", "Several statements without a transaction", &["half-done-on-failure"], "", "SQ PL PF"),
    row("N01", "SET NOT NULL", &["set-not-null-scan"], "", "SQ PL EU PF SM AT BB DJ"),
    row("N02", "SET NOT NULL proven by a valid CHECK", &[], "no hazard (12 and later); the CHECK has to be valid and about this column", "SQ SM"),
    row("N03", "SET NOT NULL and DROP CONSTRAINT of its proof in one statement", &["set-not-null-scan"], "", ""),
    row("N04", "NOT NULL … NOT VALID, then SET NOT NULL (18)", &["set-not-null-scan"], "", ""),
    row("N05", "ADD CHECK without NOT VALID", &["check-without-not-valid"], "", "SQ PL EU PF SM AT BB"),
    row("N06", "VALIDATE in the transaction of NOT VALID", &["validate-in-same-transaction"], "", "SQ PL PF SM"),
    row("N07", "ADD FOREIGN KEY without NOT VALID", &["foreign-key-without-not-valid"], "", "SQ PL EU PF SM AT SD BB"),
    row("N08", "NOT VALID foreign key on a partitioned table (before 18)", &["refused-by-server"], "", ""),
    row("N09", "Foreign key without an index", &["foreign-key-without-index"], "", "PL EU PF"),
    row("N10", "CREATE TABLE … REFERENCES locks the parent", &["missing-lock-timeout"], "the lock is short: what helps is a limit", "SQ PL"),
    row("N11", "Dropping a foreign key or a child locks the parent", &["dropping-constraint", "dropping-table"], "", "AT"),
    row("N12", "ADD UNIQUE", &["unique-constraint-building-index"], "", "SQ PL EU PF SM AT"),
    row("N13", "ADD PRIMARY KEY", &["primary-key-building-index"], "", "SQ PL PF AT"),
    row("N14", "PRIMARY KEY USING INDEX on nullable columns", &["primary-key-using-nullable-index"], "", "EU PF AT"),
    row("N15", "ADD EXCLUDE", &["exclusion-constraint"], "", "PL EU PF SM"),
    row("N16", "Uniqueness that existing rows may break", &["unique-over-existing-rows"], "", "AT"),
    row("N17", "Constraints recurse to children and partitions", &["check-without-not-valid", "set-not-null-scan"], "every child's lock and scan is counted", ""),
    row("N18", "ENFORCED set on a constraint (18)", &["enforcing-constraint"], "", ""),
    row("N19", "DROP NOT NULL", &["dropping-not-null"], "", "SQ PL PF"),
    row("N20", "DROP CONSTRAINT", &["dropping-constraint"], "", "SQ PF AT"),
    row("N21", "Constraints of a domain", &["domain-constraint-scan"], "", "SQ PF"),
    row("T01", "Changes of type that are free", &[], "no hazard: varchar and numeric that widen, varchar to text, …; judged by the column's type", "SM"),
    row("T02", "Changes of type that rewrite", &["change-type-rewrite"], "", "SQ EU PF SM AT"),
    row("T03", "timestamp to timestamptz and back", &["change-type-rewrite"], "free if the session's TimeZone is UTC and there is no USING", "SM"),
    row("T04", "A free change of type that rebuilds an index", &["change-type-rebuild"], "", ""),
    row("T05", "A free change of type that verifies a CHECK", &["change-type-rescan"], "", "SM"),
    row("T06", "A change of type of a foreign key's column", &["change-type-rewrite"], "the other table's lock is counted", ""),
    row("T07", "A change of type that a view or generated column forbids", &["refused-by-server"], "", ""),
    row("T08", "An integer key that becomes bigint", &["change-type-rewrite"], "the fix is a plan: second column, trigger, backfill, swap", "SM"),
    row("T09", "A change of type that cuts values", &["change-type-loses-data"], "", ""),
    row("T10", "Statistics lost with a change of type", &["change-type-without-analyze"], "", ""),
    row("T11", "Changes of type in MySQL", &[], "another database: not yet judged", "SM AT"),
    row("T12", "Changes of type in SQLite", &[], "another database: not yet judged", "AT"),
    row("D01", "DROP COLUMN", &["dropping-column"], "", "SQ PL PF SM AT SD BB DJ"),
    row("D02", "DROP TABLE", &["dropping-table"], "", "SQ PL PF AT SD DJ"),
    row("D03", "DROP SCHEMA, DROP DATABASE", &["dropping-schema"], "", "SQ PL PF AT"),
    row("D04", "TRUNCATE", &["truncating-table"], "", "SQ PL PF BB"),
    row("D05", "UPDATE or DELETE without WHERE", &["update-or-delete-without-where"], "", "PL PF BB"),
    row("D06", "RENAME COLUMN", &["renaming-column"], "", "SQ PL PF SM AT DJ"),
    row("D07", "RENAME TABLE, SET SCHEMA", &["renaming-table"], "", "SQ PL PF SM AT DJ"),
    row("D08", "RENAME VALUE of an enum", &["renaming-enum-value"], "", "SM"),
    row("D09", "A drop and an add that may be a rename", &["drop-and-add-column"], "a plan asks", "AT"),
    row("D10", "Removing a value of an enum", &["change-type-rewrite"], "there is no DROP VALUE: columns move to a new type", "PL EU"),
    row("D11", "A name longer than 63 bytes", &[], "said of the syntax: the server cuts the name", "SQ"),
    row("D12", "DROP DEFAULT", &["dropping-default"], "SET DEFAULT is no hazard: existing rows stay", "SQ SM"),
    row("I01", "CREATE INDEX", &["creating-index"], "", "SQ PL EU PF SM AT SD BB DJ"),
    row("I02", "CONCURRENTLY in a transaction", &["concurrently-in-transaction"], "", "SQ PL PF AT BB"),
    row("I03", "DROP INDEX", &["dropping-index"], "", "SQ PL PF SM AT SD"),
    row("I04", "An invalid index left behind", &["invalid-index-left-behind"], "", ""),
    row("I05", "REINDEX", &["reindexing"], "", "SQ PL PF"),
    row("I06", "CONCURRENTLY on a partitioned table", &["concurrently-on-partitioned"], "", ""),
    row("I07", "ALTER INDEX … RENAME", &[], "no hazard: the table is not locked, readers and writers go on (12 and later)", ""),
    row("I08", "CREATE INDEX CONCURRENTLY on 14.0 to 14.3", &[], "needs the minor version, which files do not tell; update to 14.4", "SM"),
    row("I09", "A redundant or very wide index", &[], STYLE, "PL SM BB"),
    row("P01", "ATTACH PARTITION", &["attach-partition-scan"], "", "PL PF"),
    row("P02", "DETACH PARTITION", &["detaching-partition"], "", "SQ PL PF"),
    row("P03", "CREATE TABLE … PARTITION OF, dropping a partition", &["creating-partition", "dropping-table"], "", ""),
    row("L01", "No lock_timeout", &["missing-lock-timeout"], "", "SQ PL EU PF"),
    row("L02", "lock_timeout of 0 or more than a minute; statement_timeout over long work", &["missing-lock-timeout", "statement-timeout-on-long-statement"], "", "SQ PL PF"),
    row("L03", "Work behind a lock in one transaction", &["work-under-lock", "backfill-under-lock"], "", "PL EU PF"),
    row("L04", "Locks on several tables in one transaction", &["locking-several-tables"], "", "PL PF"),
    row("L05", "Changing rows in the transaction of a schema change, or all at once", &["backfill-under-lock", "update-or-delete-without-where"], "", "PF SM BB"),
    row("L06", "BEGIN and COMMIT that do not match", &["unbalanced-transaction"], "", "SQ PL PF"),
    row("L07", "Triggers", &["creating-trigger", "dropping-trigger", "disabling-trigger"], "", "PL PF"),
    row("L08", "Policies, row security, rules", &["changing-row-security", "creating-rule"], "", "SQ SD"),
    row("L09", "VACUUM FULL, CLUSTER", &["rewriting-table"], "", "SQ PL PF"),
    row("L10", "SET LOGGED, TABLESPACE, ACCESS METHOD", &["rewriting-table"], "", "PF"),
    row("L11", "REFRESH MATERIALIZED VIEW", &["refreshing-materialized-view", "refused-by-server"], "", "PL PF"),
    row("L12", "An enum value used in the transaction that adds it", &["enum-value-in-same-transaction"], "", "SQ PL PF"),
    row("L13", "ALTER ATTRIBUTE … TYPE of a composite in use", &["refused-by-server"], "", ""),
    row("L14", "Storage parameters, statistics, owner", &["missing-lock-timeout"], "short locks; those that keep nobody out are no hazard", ""),
    row("L15", "SET EXPRESSION of a stored column", &["rewriting-table"], "", ""),
    row("L16", "Security of a live database", &[], "not about migrations: SECURITY DEFINER, missing policies", "PL"),
    row("S01", "Types, names and spelling", &[], STYLE, "SQ PL PF AT BB"),
    // What no other linter has.
    row("X01", "Statements that a block of code hides", &["hidden-statements"], "what is written out in DO blocks and called routines is judged", ""),
    row("X02", "A directive that silences nothing, or gives no reason", &["ignore-directive"], "", ""),
    row("X03", "Dropping a view, function or type that code names", &["dropping-code-object"], "", ""),
    row("X04", "Two migrations with one version", &["clashing-version"], "", ""),
    row("X05", "A migration that sorts before one that is deployed", &["out-of-order-version"], "", "AT"),
    row("X06", "An edit of a migration that is deployed", &["edited-migration"], "", "AT"),
    row("X07", "A migration without a way down, though others have theirs", &["missing-rollback"], "", ""),
    row("X08", "A way down that does not lead back", &["incomplete-rollback"], "", ""),
    row("X09", "A way down that restores the schema and not the rows", &["lossy-rollback"], "", ""),
    row("X10", "A migration that fails because of what an earlier one did", &["colliding-with-earlier"], "", ""),
    row("X11", "IF NOT EXISTS where something else is there", &["if-not-exists-hiding-difference"], "", ""),
    row("X12", "A migration that undoes another that is not deployed", &["undoing-earlier"], "", ""),
];

/// The table in Markdown: `lockkeeper explain hazards`.
pub fn table() -> String {
    let mut res = String::from(
        "# Hazards\n\nEvery hazard of a PostgreSQL migration that is known to us, the rules that find it (`lockkeeper explain RULE`), and \
         which other linters have it in some form.\n\n",
    );
    let names: Vec<String> = PEERS.iter().map(|(letters, name)| format!("{letters} {name}")).collect();
    res.push_str(&format!("{}.\n\n| hazard | | rules | others |\n| --- | --- | --- | --- |\n", names.join(", ")));
    for it in HAZARDS {
        let rules: Vec<String> = it.rules.iter().map(|it| format!("`{it}`")).collect();
        let mut found = rules.join(", ");
        if !it.note.is_empty() {
            found.push_str(if found.is_empty() { "" } else { "; " });
            found.push_str(it.note);
        }
        res.push_str(&format!("| {} | {} | {found} | {} |\n", it.id, it.title, it.peers));
    }
    res.push_str(&format!("\n{} rules.\n", RULES.len()));
    res
}
