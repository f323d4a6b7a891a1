Each probe stands on schema.sql. `[14+]`: versions that know its syntax; `[wrapped]`: in a transaction of the tool's; `-- then` ends what
stands before the script.

## a table made in the file is nobody's
CREATE TABLE z (id integer, a text);
ALTER TABLE z ALTER COLUMN a SET NOT NULL;
CREATE INDEX ON z (a);
ALTER TABLE z ALTER COLUMN id TYPE bigint;
ALTER TABLE z ADD CHECK (id > 0);
ALTER TABLE z ADD PRIMARY KEY (id);
ALTER TABLE z DROP COLUMN a;
DROP TABLE z;
## a table made and renamed in the file is nobody's
CREATE TABLE z (id integer, a text);
ALTER TABLE z RENAME TO y;
ALTER TABLE y ALTER COLUMN a SET NOT NULL;
ALTER TABLE y RENAME COLUMN a TO b;
CREATE UNIQUE INDEX ON y (b);
## a table that takes the name of one that is moved away
ALTER TABLE logins RENAME TO logins_old;
CREATE TABLE logins (id integer PRIMARY KEY, a text);
ALTER TABLE logins ALTER COLUMN a SET NOT NULL;
ALTER TABLE logins_old ALTER COLUMN a SET NOT NULL;
## a table that is dropped and made anew
DROP MATERIALIZED VIEW login_users, login_counts;
DROP VIEW login_codes;
DROP TABLE logins;
CREATE TABLE logins (id integer, a text);
CREATE INDEX ON logins (a);
ALTER TABLE logins ADD PRIMARY KEY (id);
## CREATE TABLE IF NOT EXISTS of a table that is there
CREATE TABLE IF NOT EXISTS logins (id integer);
CREATE INDEX ON logins (a);
## CREATE TABLE IF NOT EXISTS of a new one
CREATE TABLE IF NOT EXISTS z (id integer, a text);
CREATE INDEX ON z (a);
## CREATE TABLE AS is fresh
CREATE TABLE z AS SELECT id, name FROM teams;
CREATE INDEX ON z (name);
ALTER TABLE z ADD PRIMARY KEY (id);
ALTER TABLE z ALTER COLUMN name SET NOT NULL;
## SELECT INTO is fresh
SELECT id, name INTO z FROM teams;
CREATE INDEX ON z (name);
ALTER TABLE z ADD PRIMARY KEY (id);
## CREATE TABLE LIKE is fresh
CREATE TABLE z (LIKE teams INCLUDING ALL);
ALTER TABLE z ALTER COLUMN name SET NOT NULL;
CREATE INDEX ON z (name);
## temporary tables are nobody's
CREATE TEMP TABLE z (id integer, a text);
CREATE INDEX ON z (a);
ALTER TABLE z ALTER COLUMN id TYPE bigint;
DROP TABLE z;
## a temporary table hides one of the same name
CREATE TEMP TABLE logins (id integer, a text);
CREATE INDEX ON logins (a);
ALTER TABLE logins ALTER COLUMN a SET NOT NULL;
DROP TABLE logins;
CREATE INDEX ON logins (a);
## temporary with its schema
CREATE TABLE pg_temp.z (id integer, a text);
CREATE INDEX ON pg_temp.z (a);
ALTER TABLE pg_temp.z ALTER COLUMN a SET NOT NULL;
## unlogged tables are as others
ALTER TABLE draft ALTER COLUMN body SET NOT NULL;
CREATE INDEX ON draft (body);
ALTER TABLE draft SET LOGGED;
## unlogged to unlogged is nothing
ALTER TABLE draft SET UNLOGGED;
## a foreign key of a new table locks the old one
CREATE TABLE z (id bigint PRIMARY KEY REFERENCES teams (id));
## a foreign key from a new table to an old one, later
CREATE TABLE z (id bigint PRIMARY KEY, team_id bigint);
ALTER TABLE z ADD FOREIGN KEY (team_id) REFERENCES teams (id);
CREATE INDEX ON z (team_id);
## a foreign key from an old table to a new one
CREATE TABLE z (id bigint PRIMARY KEY);
ALTER TABLE logins ADD FOREIGN KEY (user_id) REFERENCES z (id);
## a column with a foreign key to a new table
CREATE TABLE z (id bigint PRIMARY KEY);
ALTER TABLE logins ADD COLUMN z_id bigint REFERENCES z (id);
## a valid CHECK of the column
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## a valid CHECK of another column
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN name SET NOT NULL;
## a CHECK that is not valid
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS NOT NULL) NOT VALID;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## a CHECK with AND
ALTER TABLE users ALTER COLUMN born SET NOT NULL;
## a CHECK with OR
ALTER TABLE users ALTER COLUMN seen SET NOT NULL;
## a CHECK that NULL passes
ALTER TABLE users ALTER COLUMN age SET NOT NULL;
## a CHECK in brackets and capitals
ALTER TABLE users ADD CONSTRAINT nn CHECK (((Raw IS NOT NULL) AND length(raw) < 9)) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## a CHECK with NOT (… IS NULL)
ALTER TABLE users ADD CONSTRAINT nn CHECK (NOT (raw IS NULL)) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## a CHECK of both columns
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS NOT NULL AND name IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL, ALTER COLUMN name SET NOT NULL;
## a CHECK of one of two columns
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL, ALTER COLUMN name SET NOT NULL;
## a CHECK of a row
ALTER TABLE users ADD CONSTRAINT nn CHECK (ROW (raw, name) IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## a comparison is no proof
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw > '') NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## IS DISTINCT FROM NULL is no proof
ALTER TABLE users ADD CONSTRAINT nn CHECK (raw IS DISTINCT FROM NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## the proof goes in the same statement
ALTER TABLE users ALTER COLUMN born SET NOT NULL, DROP CONSTRAINT users_born;
## the proof went before
ALTER TABLE users DROP CONSTRAINT users_born;
ALTER TABLE users ALTER COLUMN born SET NOT NULL;
## the proof goes after
ALTER TABLE users ALTER COLUMN born SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_born;
## the proof is of a column since renamed
ALTER TABLE users RENAME COLUMN born TO birth;
ALTER TABLE users ALTER COLUMN birth SET NOT NULL;
## the proof's constraint is renamed
ALTER TABLE users RENAME CONSTRAINT users_born TO b;
ALTER TABLE users ALTER COLUMN born SET NOT NULL;
## the table is renamed in between
ALTER TABLE users RENAME TO people;
ALTER TABLE people ALTER COLUMN born SET NOT NULL;
ALTER TABLE people ALTER COLUMN raw SET NOT NULL;
## NOT NULL of what is NOT NULL
ALTER TABLE users ALTER COLUMN nick SET NOT NULL;
ALTER TABLE users ALTER COLUMN id SET NOT NULL;
## NOT NULL dropped and set again
ALTER TABLE users ALTER COLUMN nick DROP NOT NULL;
ALTER TABLE users ALTER COLUMN nick SET NOT NULL;
## two columns NOT NULL
ALTER TABLE users ALTER COLUMN raw SET NOT NULL, ALTER COLUMN name SET NOT NULL;
## NOT NULL and a rewrite in one
ALTER TABLE users ALTER COLUMN raw SET NOT NULL, ALTER COLUMN team_id TYPE integer;
## NOT NULL, NOT VALID [18+]
ALTER TABLE users ADD CONSTRAINT nn NOT NULL raw NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT nn;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## NOT NULL, NOT VALID, then SET NOT NULL [18+]
ALTER TABLE users ADD CONSTRAINT nn NOT NULL raw NOT VALID;
ALTER TABLE users ALTER COLUMN raw SET NOT NULL;
## NOT NULL as a constraint [18+]
ALTER TABLE users ADD CONSTRAINT nn NOT NULL raw;
## NOT NULL as a constraint, proven [18+]
ALTER TABLE users ADD CONSTRAINT nn NOT NULL born;
## NOT NULL of a partitioned table
ALTER TABLE events ALTER COLUMN kind SET NOT NULL;
## NOT NULL of a partition
ALTER TABLE events_2020 ALTER COLUMN kind SET NOT NULL;
## NOT NULL of a partitioned table whose partition has a proof
ALTER TABLE events_2020 ADD CONSTRAINT nn CHECK (kind IS NOT NULL) NOT VALID;
ALTER TABLE events_2020 VALIDATE CONSTRAINT nn;
ALTER TABLE events ALTER COLUMN kind SET NOT NULL;
## NOT NULL of an inheritance parent
ALTER TABLE animal ALTER COLUMN name SET NOT NULL;
## NOT NULL of a column just added
ALTER TABLE users ADD COLUMN z integer;
ALTER TABLE users ALTER COLUMN z SET NOT NULL;
## NOT NULL and default of a column just added, in one
ALTER TABLE users ADD COLUMN z integer DEFAULT 1, ALTER COLUMN z SET NOT NULL;
## NOT NULL within ADD COLUMN
ALTER TABLE users ADD COLUMN z integer NOT NULL DEFAULT 1;
## ADD COLUMN with defaults that cost nothing
ALTER TABLE users ADD COLUMN z timestamptz DEFAULT now(), ADD COLUMN y jsonb NOT NULL DEFAULT '{}', ADD COLUMN x text[] DEFAULT '{}', ADD COLUMN w integer DEFAULT steady(), ADD COLUMN v date DEFAULT current_date - 7, ADD COLUMN u text DEFAULT upper('a') || 'b', ADD COLUMN t interval DEFAULT '1 day'::interval * 2;
## ADD COLUMN with a volatile function of one's own
ALTER TABLE users ADD COLUMN z integer DEFAULT dice();
## ADD COLUMN with a volatile function within an expression
ALTER TABLE users ADD COLUMN z timestamptz DEFAULT now() + random() * interval '1 day';
## ADD COLUMN nextval
ALTER TABLE users ADD COLUMN z bigint DEFAULT nextval('counter');
## ADD COLUMN clock_timestamp
ALTER TABLE users ADD COLUMN z timestamptz NOT NULL DEFAULT clock_timestamp();
## ADD COLUMN statement_timestamp
ALTER TABLE users ADD COLUMN z timestamptz NOT NULL DEFAULT statement_timestamp(), ADD COLUMN y text DEFAULT current_user, ADD COLUMN x timestamp DEFAULT localtimestamp;
## ADD COLUMN gen_random_uuid
ALTER TABLE users ADD COLUMN z uuid NOT NULL DEFAULT gen_random_uuid();
## ADD COLUMN, its default set afterwards
ALTER TABLE users ADD COLUMN z uuid;
ALTER TABLE users ALTER COLUMN z SET DEFAULT gen_random_uuid();
## ADD COLUMN IF NOT EXISTS of one that is there
ALTER TABLE users ADD COLUMN IF NOT EXISTS raw uuid DEFAULT gen_random_uuid();
## ADD COLUMN IF NOT EXISTS of a new one
ALTER TABLE users ADD COLUMN IF NOT EXISTS z uuid DEFAULT gen_random_uuid();
## ADD COLUMN serial
ALTER TABLE users ADD COLUMN z serial;
## ADD COLUMN identity
ALTER TABLE users ADD COLUMN z integer GENERATED BY DEFAULT AS IDENTITY;
## ADD COLUMN stored
ALTER TABLE users ADD COLUMN z text GENERATED ALWAYS AS (lower(name)) STORED;
## ADD COLUMN virtual [18+]
ALTER TABLE users ADD COLUMN z integer GENERATED ALWAYS AS (age + 1) VIRTUAL;
## ADD COLUMN generated, kind not said [18+]
ALTER TABLE users ADD COLUMN z integer GENERATED ALWAYS AS (age + 1);
## ADD COLUMN virtual NOT NULL [18+]
ALTER TABLE users ADD COLUMN z integer GENERATED ALWAYS AS (id + 1) VIRTUAL NOT NULL;
## ADD COLUMN of a domain with a CHECK
ALTER TABLE users ADD COLUMN z weight;
## ADD COLUMN of a domain with a CHECK, default
ALTER TABLE users ADD COLUMN z weight DEFAULT 1;
## ADD COLUMN of a domain without one
ALTER TABLE users ADD COLUMN z label;
## ADD COLUMN of a domain NOT NULL
ALTER TABLE users ADD COLUMN z must DEFAULT 1;
## ADD COLUMN of an array of a domain
ALTER TABLE users ADD COLUMN z weight[];
## ADD COLUMN of a domain made in the file
CREATE DOMAIN small AS integer CHECK (VALUE < 10);
ALTER TABLE users ADD COLUMN z small;
## ADD COLUMN of a domain made of a domain
CREATE DOMAIN small AS weight;
ALTER TABLE users ADD COLUMN z small;
## ADD COLUMN CHECK
ALTER TABLE users ADD COLUMN z integer CHECK (z > 0);
## ADD COLUMN CHECK and default
ALTER TABLE users ADD COLUMN z integer NOT NULL DEFAULT 1 CHECK (z > 0);
## ADD COLUMN REFERENCES
ALTER TABLE logins ADD COLUMN team_id bigint REFERENCES teams;
## ADD COLUMN REFERENCES with a default
ALTER TABLE logins ADD COLUMN team_id bigint DEFAULT 1 REFERENCES teams (id);
## ADD COLUMN REFERENCES with the default NULL
ALTER TABLE logins ADD COLUMN team_id bigint DEFAULT NULL REFERENCES teams (id);
## ADD COLUMN REFERENCES itself
ALTER TABLE teams ADD COLUMN parent_id bigint REFERENCES teams (id);
## ADD COLUMN UNIQUE
ALTER TABLE users ADD COLUMN z integer UNIQUE;
## ADD COLUMN PRIMARY KEY
ALTER TABLE animal ADD COLUMN z integer PRIMARY KEY;
## ADD COLUMN serial PRIMARY KEY
ALTER TABLE areas_s ADD COLUMN z serial PRIMARY KEY;
## ADD COLUMN of a partitioned table
ALTER TABLE events ADD COLUMN z uuid DEFAULT gen_random_uuid();
## ADD COLUMN of an inheritance parent
ALTER TABLE animal ADD COLUMN z integer NOT NULL DEFAULT dice();
## ADD COLUMN json and another
ALTER TABLE users ADD COLUMN z json, ADD COLUMN y jsonb;
## several actions, one of them bad
ALTER TABLE users ADD COLUMN z integer, ALTER COLUMN note SET DEFAULT 'a', ALTER COLUMN raw SET NOT NULL;
## several actions, all good
ALTER TABLE users ADD COLUMN z integer, ALTER COLUMN note SET DEFAULT 'a', ALTER COLUMN raw SET STATISTICS 200;
## DROP and ADD COLUMN in one
ALTER TABLE users DROP COLUMN raw, ADD COLUMN raw2 text;
## varchar to a wider one
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## varchar to text
ALTER TABLE logins ALTER COLUMN a TYPE text;
## text to varchar
ALTER TABLE logins ALTER COLUMN b TYPE varchar;
## text to varchar(n)
ALTER TABLE logins ALTER COLUMN b TYPE varchar(10);
## varchar to a narrower one
ALTER TABLE logins ALTER COLUMN a TYPE varchar(5);
## varchar to a wider one, USING the cast
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20) USING a::varchar(20);
## varchar to a wider one, USING something else
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20) USING lower(a);
## varchar to a wider one under an expression index
ALTER TABLE users ALTER COLUMN email TYPE varchar(60);
## varchar to text under an expression index
ALTER TABLE users ALTER COLUMN email TYPE text;
## varchar to a wider one under a partial index
ALTER TABLE users ALTER COLUMN nick TYPE varchar(60);
## varchar to a wider one under a CHECK
ALTER TABLE users ALTER COLUMN note TYPE varchar(60);
## varchar to a wider one under a view
CREATE VIEW v AS SELECT note FROM users;
-- then
ALTER TABLE users ALTER COLUMN note TYPE varchar(60);
## varchar to a wider one, the view dropped before
CREATE VIEW v AS SELECT a FROM logins;
-- then
DROP VIEW v;
ALTER TABLE logins ALTER COLUMN a TYPE varchar(60);
CREATE VIEW v AS SELECT a FROM logins;
## varchar to a wider one, the view made in the file
CREATE VIEW v AS SELECT a FROM logins;
ALTER TABLE logins ALTER COLUMN a TYPE varchar(60);
## varchar to a wider one under a plain index
CREATE INDEX logins_a ON logins (a);
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(60);
## varchar to text under a plain and a unique index
CREATE UNIQUE INDEX logins_a ON logins (a);
-- then
ALTER TABLE logins ALTER COLUMN a TYPE text;
## varchar to a wider one under a foreign key
CREATE TABLE z (code varchar(10) REFERENCES teams (code));
-- then
ALTER TABLE z ALTER COLUMN code TYPE varchar(20);
ALTER TABLE teams ALTER COLUMN code TYPE varchar(20);
## another collation
ALTER TABLE logins ALTER COLUMN b TYPE text COLLATE "C";
## another collation, indexed
ALTER TABLE users ALTER COLUMN name TYPE text COLLATE "C";
## varchar to a wider one, partitioned
ALTER TABLE events ALTER COLUMN kind TYPE varchar(20);
## varchar to a narrower one, partitioned
ALTER TABLE events ALTER COLUMN kind TYPE varchar(5);
## the type of a partition key
ALTER TABLE events ALTER COLUMN at TYPE timestamp;
## int to bigint
ALTER TABLE animal ALTER COLUMN id TYPE bigint;
## int to bigint of a primary key
ALTER TABLE app.users ALTER COLUMN id TYPE bigint;
## bigint to bigint
ALTER TABLE users ALTER COLUMN team_id TYPE bigint;
## bigint to int of a foreign key
ALTER TABLE users ALTER COLUMN team_id TYPE integer;
## numeric widened
ALTER TABLE logins ALTER COLUMN n TYPE numeric(12,4);
## numeric widened, indexed
ALTER TABLE users ALTER COLUMN score TYPE numeric(12,2);
## numeric with another scale
ALTER TABLE logins ALTER COLUMN n TYPE numeric(12,2);
## numeric without a limit
ALTER TABLE logins ALTER COLUMN n TYPE numeric;
## timestamp to timestamptz
ALTER TABLE users ALTER COLUMN seen TYPE timestamptz;
## timestamp to timestamptz under UTC
SET TIME ZONE 'UTC';
ALTER TABLE logins ALTER COLUMN at TYPE timestamp;
## timestamp to timestamptz under UTC, indexed, with a CHECK
SET timezone TO 'UTC';
ALTER TABLE users ALTER COLUMN seen TYPE timestamptz;
## timestamp to timestamptz under UTC with USING
SET timezone = 'UTC';
ALTER TABLE logins ALTER COLUMN at TYPE timestamp USING at AT TIME ZONE 'UTC';
## UTC set locally
BEGIN;
SET LOCAL timezone = 'UTC';
ALTER TABLE logins ALTER COLUMN at TYPE timestamp;
COMMIT;
ALTER TABLE logins ALTER COLUMN at TYPE timestamptz;
## UTC set and reset
SET timezone = 'UTC';
RESET timezone;
ALTER TABLE logins ALTER COLUMN at TYPE timestamp;
## enum to text
ALTER TABLE users ALTER COLUMN mood TYPE text;
## text to enum
ALTER TABLE logins ALTER COLUMN b TYPE colour USING b::colour;
## domain to its base type
ALTER TABLE users ALTER COLUMN stars TYPE integer;
## base type to a domain without constraints
ALTER TABLE logins ALTER COLUMN a TYPE label;
## base type to a domain with constraints
ALTER TABLE logins ALTER COLUMN code TYPE weight;
## a column that a view reads
ALTER TABLE logins ALTER COLUMN code TYPE bigint;
## a column that a generated column reads
ALTER TABLE logins ADD COLUMN z text GENERATED ALWAYS AS (b || 'x') STORED;
-- then
ALTER TABLE logins ALTER COLUMN b TYPE varchar;
## a column that a trigger's WHEN reads
CREATE TRIGGER t BEFORE UPDATE ON logins FOR EACH ROW WHEN (NEW.a IS NOT NULL) EXECUTE FUNCTION note();
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## a column that a policy reads
CREATE POLICY p ON logins USING (a = 'x');
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## a column that UPDATE OF names
CREATE TRIGGER t BEFORE UPDATE OF a ON logins FOR EACH ROW EXECUTE FUNCTION note();
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## type and default in one
ALTER TABLE logins ALTER COLUMN code DROP DEFAULT, ALTER COLUMN a TYPE varchar(20), ALTER COLUMN a SET DEFAULT 'x';
## CHECK
ALTER TABLE logins ADD CHECK (code > 0);
## CHECK NOT VALID
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID;
## CHECK and validation in one transaction
BEGIN;
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID;
ALTER TABLE logins VALIDATE CONSTRAINT c;
COMMIT;
## CHECK and validation in the tool's transaction [wrapped]
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID;
ALTER TABLE logins VALIDATE CONSTRAINT c;
## CHECK and validation in two transactions
BEGIN;
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE logins VALIDATE CONSTRAINT c;
COMMIT;
## CHECK of an inheritance parent
ALTER TABLE animal ADD CHECK (id > 0);
## CHECK of an inheritance parent, NO INHERIT
ALTER TABLE animal ADD CHECK (id > 0) NO INHERIT;
## CHECK of a partitioned table
ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0);
## CHECK of a partitioned table, NOT VALID
ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0) NOT VALID;
ALTER TABLE events VALIDATE CONSTRAINT c;
## CHECK NOT ENFORCED, then ENFORCED [18+]
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT ENFORCED;
ALTER TABLE logins ALTER CONSTRAINT f ENFORCED;
## validation of what is valid
ALTER TABLE users VALIDATE CONSTRAINT users_age;
## validation of what is not there
ALTER TABLE users VALIDATE CONSTRAINT nothing;
## a CHECK that is there
ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 1) NOT VALID;
## foreign key
ALTER TABLE logins ADD FOREIGN KEY (user_id) REFERENCES users (id);
## foreign key NOT VALID
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
## foreign key NOT VALID, validated with its lock held
BEGIN;
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE logins VALIDATE CONSTRAINT f;
COMMIT;
## foreign key NOT VALID, validated after
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE logins VALIDATE CONSTRAINT f;
## foreign key to a table without a key
ALTER TABLE logins ADD FOREIGN KEY (id) REFERENCES animal (id);
## foreign key of another type
ALTER TABLE logins ADD FOREIGN KEY (b) REFERENCES users (id);
## foreign key of a partitioned table
ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id);
## foreign key of a partitioned table, NOT VALID
ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
## foreign key of a partition, NOT VALID
ALTER TABLE events_2020 ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
## foreign key of a column just added
ALTER TABLE logins ADD COLUMN team_id bigint;
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (team_id) REFERENCES teams (id);
## drop a foreign key
ALTER TABLE users DROP CONSTRAINT users_team_id_fkey;
## drop a constraint that is not there
ALTER TABLE users DROP CONSTRAINT IF EXISTS nothing;
## drop a constraint that is not there, without IF EXISTS
ALTER TABLE users DROP CONSTRAINT nothing;
## drop a key that is pointed at
ALTER TABLE teams DROP CONSTRAINT teams_pkey;
## drop a key that is pointed at, CASCADE
ALTER TABLE teams DROP CONSTRAINT teams_pkey CASCADE;
## UNIQUE
ALTER TABLE logins ADD UNIQUE (a);
## UNIQUE NULLS NOT DISTINCT [15+]
ALTER TABLE logins ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a);
## UNIQUE USING INDEX
CREATE UNIQUE INDEX CONCURRENTLY logins_a ON logins (a);
ALTER TABLE logins ADD CONSTRAINT logins_a UNIQUE USING INDEX logins_a;
## UNIQUE USING an index that is not unique
CREATE INDEX logins_a ON logins (a);
-- then
ALTER TABLE logins ADD CONSTRAINT u UNIQUE USING INDEX logins_a;
## UNIQUE USING a partial index
CREATE UNIQUE INDEX logins_a ON logins (a) WHERE code > 1;
-- then
ALTER TABLE logins ADD CONSTRAINT u UNIQUE USING INDEX logins_a;
## UNIQUE of a partitioned table without its key
ALTER TABLE events ADD UNIQUE (id);
## UNIQUE of a partitioned table
ALTER TABLE events ADD UNIQUE (id, at);
## PRIMARY KEY
ALTER TABLE animal ADD PRIMARY KEY (id);
## PRIMARY KEY of a nullable column
ALTER TABLE areas_s ADD PRIMARY KEY (id);
## PRIMARY KEY of a column with a proof
ALTER TABLE areas_s ADD CONSTRAINT nn CHECK (id IS NOT NULL) NOT VALID;
ALTER TABLE areas_s VALIDATE CONSTRAINT nn;
CREATE UNIQUE INDEX CONCURRENTLY areas_s_pkey ON areas_s (id);
ALTER TABLE areas_s ADD PRIMARY KEY USING INDEX areas_s_pkey;
## PRIMARY KEY USING INDEX, nullable
CREATE UNIQUE INDEX CONCURRENTLY areas_s_pkey ON areas_s (id);
ALTER TABLE areas_s ADD PRIMARY KEY USING INDEX areas_s_pkey;
## PRIMARY KEY of a table that has one
ALTER TABLE logins ADD PRIMARY KEY (code);
## EXCLUDE
ALTER TABLE logins ADD EXCLUDE USING btree (code WITH =);
## CREATE INDEX
CREATE INDEX ON logins (a);
## CREATE INDEX CONCURRENTLY
CREATE INDEX CONCURRENTLY logins_a ON logins (a);
## CREATE INDEX CONCURRENTLY in a transaction
BEGIN;
CREATE INDEX CONCURRENTLY logins_a ON logins (a);
COMMIT;
## CREATE INDEX CONCURRENTLY in the tool's transaction [wrapped]
CREATE INDEX CONCURRENTLY logins_a ON logins (a);
## CREATE INDEX CONCURRENTLY after COMMIT
BEGIN;
ALTER TABLE logins ADD COLUMN z text;
COMMIT;
CREATE INDEX CONCURRENTLY logins_z ON logins (z);
## CREATE INDEX IF NOT EXISTS of one that is there
CREATE INDEX IF NOT EXISTS users_team ON users (name);
## CREATE INDEX of a name that is there
CREATE INDEX users_team ON users (name);
## CREATE INDEX on a materialized view
CREATE INDEX ON login_counts (n);
## CREATE INDEX on a view
CREATE INDEX ON login_codes (code);
## CREATE INDEX on a partitioned table
CREATE INDEX ON events (user_id);
## CREATE INDEX CONCURRENTLY on a partitioned table
CREATE INDEX CONCURRENTLY events_u ON events (user_id);
## CREATE INDEX ON ONLY a partitioned table
CREATE INDEX events_u ON ONLY events (user_id);
CREATE INDEX CONCURRENTLY events_2020_u ON events_2020 (user_id);
ALTER INDEX events_u ATTACH PARTITION events_2020_u;
## CREATE INDEX on a partition
CREATE INDEX ON events_2020 (user_id);
## CREATE INDEX of a column that is not there
CREATE INDEX ON logins (nothing);
## CREATE INDEX by a volatile expression
CREATE INDEX ON logins ((code + random()));
## CREATE UNIQUE INDEX on a partitioned table without its key
CREATE UNIQUE INDEX ON events (id);
## DROP INDEX
DROP INDEX users_team;
## DROP INDEX CONCURRENTLY
DROP INDEX CONCURRENTLY users_team;
## DROP INDEX CONCURRENTLY, two of them
DROP INDEX CONCURRENTLY users_team, users_tag;
## DROP INDEX CONCURRENTLY of a partitioned table
DROP INDEX CONCURRENTLY events_kind;
## DROP INDEX of a constraint
DROP INDEX users_pkey;
## DROP INDEX CONCURRENTLY … CASCADE
DROP INDEX CONCURRENTLY users_team CASCADE;
## DROP INDEX IF EXISTS of what is not there
DROP INDEX IF EXISTS nothing;
## DROP INDEX of what is not there
DROP INDEX nothing;
## ALTER INDEX RENAME
ALTER INDEX users_team RENAME TO users_by_team;
## ALTER INDEX SET
ALTER INDEX users_team SET (fillfactor = 70);
## ALTER INDEX SET TABLESPACE
ALTER INDEX users_team SET TABLESPACE pg_default;
## REINDEX TABLE
REINDEX TABLE users;
## REINDEX INDEX
REINDEX INDEX users_team;
## REINDEX CONCURRENTLY
REINDEX INDEX CONCURRENTLY users_team;
## REINDEX TABLE CONCURRENTLY, in brackets [14+]
REINDEX (CONCURRENTLY) TABLE users;
## REINDEX of a partitioned table
REINDEX TABLE events;
## REINDEX in a transaction
BEGIN;
REINDEX TABLE CONCURRENTLY users;
COMMIT;
## REINDEX SCHEMA
REINDEX SCHEMA app;
## CLUSTER
CLUSTER logins USING logins_pkey;
## CLUSTER again
CLUSTER logins USING logins_pkey;
-- then
CLUSTER logins;
## CLUSTER of what was never clustered
CLUSTER logins;
## VACUUM FULL
VACUUM FULL logins;
## VACUUM FULL in brackets
VACUUM (FULL, ANALYZE) logins;
## VACUUM
VACUUM logins;
## VACUUM in a transaction
BEGIN;
VACUUM logins;
COMMIT;
## ANALYZE
ANALYZE users;
## LOCK TABLE
BEGIN;
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE users ADD COLUMN z integer;
COMMIT;
## LOCK TABLE outside of a transaction
LOCK TABLE users;
## TRUNCATE
TRUNCATE draft;
## TRUNCATE of a table that is pointed at
TRUNCATE teams;
## TRUNCATE CASCADE
TRUNCATE teams CASCADE;
## TRUNCATE of both
TRUNCATE teams, users;
## TRUNCATE ONLY
TRUNCATE ONLY animal;
## INSERT
INSERT INTO logins (id, b) VALUES (1, 'x');
## UPDATE without WHERE
UPDATE logins SET a = 'x';
## UPDATE with WHERE
UPDATE logins SET a = 'x' WHERE id BETWEEN 1 AND 1000;
## DELETE without WHERE
DELETE FROM logins;
## DELETE of a new table
CREATE TABLE z (id integer);
DELETE FROM z;
## UPDATE behind ALTER in a transaction
BEGIN;
ALTER TABLE logins ADD COLUMN z integer;
UPDATE logins SET z = 1 WHERE id < 1000;
COMMIT;
## UPDATE in WITH
WITH gone AS (DELETE FROM logins RETURNING id) SELECT count(*) FROM gone;
## MERGE [15+]
MERGE INTO logins l USING users u ON l.user_id = u.id WHEN MATCHED THEN UPDATE SET a = 'x';
## REFRESH
REFRESH MATERIALIZED VIEW login_counts;
## REFRESH CONCURRENTLY
REFRESH MATERIALIZED VIEW CONCURRENTLY login_users;
## REFRESH CONCURRENTLY without a unique index
REFRESH MATERIALIZED VIEW CONCURRENTLY login_counts;
## REFRESH of one made in the file
CREATE MATERIALIZED VIEW z AS SELECT 1 AS a WITH NO DATA;
REFRESH MATERIALIZED VIEW z;
CREATE UNIQUE INDEX ON z (a);
REFRESH MATERIALIZED VIEW CONCURRENTLY z;
## ATTACH PARTITION
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION with a CHECK
ALTER TABLE events_2021 ADD CONSTRAINT b CHECK (at >= '2021-01-01' AND at < '2022-01-01') NOT VALID;
ALTER TABLE events_2021 VALIDATE CONSTRAINT b;
CREATE INDEX CONCURRENTLY events_2021_kind ON events_2021 (kind);
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION with a CHECK that is not valid
ALTER TABLE events_2021 ADD CONSTRAINT b CHECK (at >= '2021-01-01' AND at < '2022-01-01') NOT VALID;
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION with a narrower CHECK
ALTER TABLE events_2021 ADD CONSTRAINT b CHECK (at >= '2021-02-01' AND at < '2021-03-01');
-- then
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION with a wider CHECK
ALTER TABLE events_2021 ADD CONSTRAINT b CHECK (at >= '2021-01-01' AND at < '2023-01-01');
-- then
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION beside a DEFAULT partition
ALTER TABLE areas ATTACH PARTITION areas_s FOR VALUES IN ('south');
## ATTACH PARTITION beside a DEFAULT partition with a CHECK
ALTER TABLE areas_rest ADD CONSTRAINT b CHECK (region <> 'south') NOT VALID;
ALTER TABLE areas_rest VALIDATE CONSTRAINT b;
ALTER TABLE areas_s ADD CONSTRAINT b CHECK (region = 'south') NOT VALID;
ALTER TABLE areas_s VALIDATE CONSTRAINT b;
ALTER TABLE areas ATTACH PARTITION areas_s FOR VALUES IN ('south');
## ATTACH PARTITION of a new table
CREATE TABLE events_2022 (LIKE events INCLUDING ALL);
ALTER TABLE events ATTACH PARTITION events_2022 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
## ATTACH PARTITION DEFAULT
ALTER TABLE events ATTACH PARTITION events_2021 DEFAULT;
## ATTACH PARTITION with other columns
ALTER TABLE events ATTACH PARTITION areas_s FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
## ATTACH PARTITION that overlaps
ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2020-06-01') TO ('2022-01-01');
## DETACH PARTITION
ALTER TABLE events DETACH PARTITION events_2020;
## DETACH PARTITION CONCURRENTLY [14+]
ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;
## DETACH PARTITION CONCURRENTLY in a transaction [14+]
BEGIN;
ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;
COMMIT;
## DETACH PARTITION CONCURRENTLY beside a DEFAULT partition [14+]
ALTER TABLE areas DETACH PARTITION areas_n CONCURRENTLY;
## PARTITION OF
CREATE TABLE events_2022 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
## PARTITION OF beside a DEFAULT partition
CREATE TABLE areas_w PARTITION OF areas FOR VALUES IN ('west');
## PARTITION OF a new table
CREATE TABLE z (id integer) PARTITION BY RANGE (id);
CREATE TABLE z_1 PARTITION OF z FOR VALUES FROM (1) TO (10);
ALTER TABLE z ADD COLUMN a text NOT NULL;
CREATE INDEX ON z (a);
## DROP of a partition
DROP TABLE events_2020;
## DROP of a partitioned table
DROP TABLE events;
## inherit
CREATE TABLE cat (LIKE animal);
-- then
ALTER TABLE cat INHERIT animal;
ALTER TABLE cat NO INHERIT animal;
## SET TABLESPACE to the one it is in
ALTER TABLE logins SET TABLESPACE pg_default;
## SET ACCESS METHOD to the one it has [15+]
ALTER TABLE logins SET ACCESS METHOD heap;
## SET UNLOGGED
ALTER TABLE logins SET UNLOGGED;
## OWNER
ALTER TABLE logins OWNER TO CURRENT_USER;
## storage parameters
ALTER TABLE logins SET (fillfactor = 70, autovacuum_enabled = off);
## SET STORAGE
ALTER TABLE logins ALTER COLUMN b SET STORAGE EXTERNAL;
## SET STATISTICS
ALTER TABLE logins ALTER COLUMN b SET STATISTICS 500;
## REPLICA IDENTITY
ALTER TABLE logins REPLICA IDENTITY FULL;
## CREATE TRIGGER
CREATE TRIGGER t BEFORE INSERT ON logins FOR EACH ROW EXECUTE FUNCTION note();
## CREATE OR REPLACE TRIGGER [14+]
CREATE OR REPLACE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
## CREATE TRIGGER on a new table
CREATE TABLE z (id integer);
CREATE TRIGGER t BEFORE INSERT ON z FOR EACH ROW EXECUTE FUNCTION note();
DROP TRIGGER t ON z;
## DROP TRIGGER
DROP TRIGGER users_touch ON users;
## DROP TRIGGER IF EXISTS of what is not there
DROP TRIGGER IF EXISTS nothing ON users;
## DROP TRIGGER IF EXISTS on a table that is not there
DROP TRIGGER IF EXISTS nothing ON nowhere;
## DISABLE TRIGGER
ALTER TABLE users DISABLE TRIGGER users_touch;
## CREATE RULE
CREATE RULE r AS ON DELETE TO logins DO INSTEAD NOTHING;
## ENABLE ROW LEVEL SECURITY
ALTER TABLE logins ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON logins USING (true);
DROP POLICY p ON logins;
ALTER TABLE logins DISABLE ROW LEVEL SECURITY;
## GRANT
GRANT SELECT ON logins TO PUBLIC;
REVOKE ALL ON logins FROM PUBLIC;
## ALTER SYSTEM in a transaction
BEGIN;
ALTER SYSTEM SET work_mem = '8MB';
COMMIT;
## CREATE DATABASE in a transaction [wrapped]
CREATE DATABASE z;
## COMMENT
COMMENT ON TABLE users IS 'people';
COMMENT ON COLUMN users.name IS 'their name';
## CREATE STATISTICS
CREATE STATISTICS s ON a, code FROM logins;
## DROP COLUMN
ALTER TABLE logins DROP COLUMN b;
## DROP COLUMN IF EXISTS of what is not there
ALTER TABLE logins DROP COLUMN IF EXISTS nothing;
## DROP COLUMN of what is not there
ALTER TABLE logins DROP COLUMN nothing;
## DROP COLUMN that a view reads
ALTER TABLE logins DROP COLUMN code;
## DROP COLUMN that a view reads, CASCADE
ALTER TABLE logins DROP COLUMN code CASCADE;
## DROP COLUMN that is indexed
ALTER TABLE users DROP COLUMN email;
## DROP COLUMN of a partition
ALTER TABLE events_2020 DROP COLUMN kind;
## DROP COLUMN that was added in the file
ALTER TABLE logins ADD COLUMN z integer;
ALTER TABLE logins DROP COLUMN z;
## DROP TABLE
DROP TABLE draft;
## DROP TABLE IF EXISTS of what is not there
DROP TABLE IF EXISTS nothing;
## DROP TABLE that is pointed at
DROP TABLE teams;
## DROP TABLE that is pointed at, CASCADE
DROP TABLE teams CASCADE;
## DROP TABLE of both ends
DROP TABLE users, teams;
## DROP TABLE that a view reads
DROP TABLE logins;
## DROP SCHEMA that is not empty
DROP SCHEMA app;
## DROP SCHEMA CASCADE
DROP SCHEMA app CASCADE;
## DROP VIEW and MATERIALIZED VIEW
DROP VIEW login_codes;
DROP MATERIALIZED VIEW login_counts;
## DROP TYPE in use
DROP TYPE colour;
## DROP TYPE in use, CASCADE
DROP TYPE colour CASCADE;
## DROP FUNCTION in use by a trigger
DROP FUNCTION note();
## DROP SEQUENCE
DROP SEQUENCE counter;
## rename
ALTER TABLE logins RENAME COLUMN b TO c;
ALTER TABLE logins RENAME TO sessions;
ALTER TABLE sessions SET SCHEMA app;
## rename to a name that is there
ALTER TABLE logins RENAME TO users;
## rename with a view under the old name
BEGIN;
ALTER TABLE draft RENAME TO drafts;
CREATE VIEW draft AS SELECT * FROM drafts;
COMMIT;
## search_path
SET search_path TO app;
ALTER TABLE users ALTER COLUMN name SET NOT NULL;
ALTER TABLE users ALTER COLUMN id TYPE bigint;
## search_path with two schemas
SET search_path = app, public;
ALTER TABLE users ALTER COLUMN name TYPE varchar(10);
CREATE INDEX ON logins (a);
CREATE TABLE z (id integer);
CREATE INDEX ON app.z (id);
## search_path by set_config
SELECT pg_catalog.set_config('search_path', 'app', false);
ALTER TABLE users ALTER COLUMN name SET NOT NULL;
## another schema's table of the same name
ALTER TABLE app.users DROP COLUMN name;
ALTER TABLE public.users ALTER COLUMN name SET NOT NULL;
## quoted names
ALTER TABLE "Mixed Case" ALTER COLUMN "Full Name" SET NOT NULL;
CREATE INDEX ON "Mixed Case" ("order");
ALTER TABLE "Mixed Case" RENAME COLUMN "order" TO "Order";
## names in capitals
ALTER TABLE USERS ALTER COLUMN NAME SET NOT NULL;
ALTER TABLE "users" ALTER COLUMN "name" SET NOT NULL;
## a quoted name that is another
CREATE TABLE "Users" (id integer, a text);
ALTER TABLE "Users" ALTER COLUMN a SET NOT NULL;
## ALTER TABLE IF EXISTS of what is not there
ALTER TABLE IF EXISTS nothing ALTER COLUMN a SET NOT NULL;
## ALTER TABLE IF EXISTS of what is there
ALTER TABLE IF EXISTS users ALTER COLUMN name SET NOT NULL;
## ALTER TABLE of what is not there
ALTER TABLE nothing ADD COLUMN a integer;
## ALTER TABLE ONLY
ALTER TABLE ONLY animal ADD CONSTRAINT c CHECK (id > 0) NO INHERIT;
## ALTER TABLE ONLY of a partitioned table
ALTER TABLE ONLY events ALTER COLUMN kind SET DEFAULT 'x';
## ADD VALUE used in the same transaction
BEGIN;
ALTER TYPE colour ADD VALUE 'blue';
UPDATE users SET mood = 'blue' WHERE id = 1;
COMMIT;
## ADD VALUE used after
ALTER TYPE colour ADD VALUE 'blue';
UPDATE users SET mood = 'blue' WHERE id = 1;
## ADD VALUE as a default in the same transaction
BEGIN;
ALTER TYPE colour ADD VALUE 'blue';
ALTER TABLE users ALTER COLUMN mood SET DEFAULT 'blue';
COMMIT;
## ADD VALUE of a type made in the same transaction
BEGIN;
CREATE TYPE taste AS ENUM ('sweet');
ALTER TYPE taste ADD VALUE 'sour';
CREATE TABLE z (t taste DEFAULT 'sour');
COMMIT;
## ADD VALUE that is there
ALTER TYPE colour ADD VALUE 'red';
## ADD VALUE IF NOT EXISTS that is there
ALTER TYPE colour ADD VALUE IF NOT EXISTS 'red';
## RENAME VALUE
ALTER TYPE colour RENAME VALUE 'red' TO 'crimson';
## composite type in use
ALTER TYPE spot ALTER ATTRIBUTE x TYPE bigint;
## composite type in use, one more attribute
ALTER TYPE spot ADD ATTRIBUTE z integer;
## domain constraint
ALTER DOMAIN weight ADD CHECK (VALUE < 100);
## domain constraint NOT VALID
ALTER DOMAIN weight ADD CONSTRAINT c CHECK (VALUE < 100) NOT VALID;
ALTER DOMAIN weight VALIDATE CONSTRAINT c;
## domain NOT NULL
ALTER DOMAIN label SET NOT NULL;
## domain that nobody uses
CREATE DOMAIN small AS integer;
ALTER DOMAIN small ADD CHECK (VALUE < 10);
## DO
DO $$ BEGIN ALTER TABLE users ALTER COLUMN name SET NOT NULL; END $$;
## DO with a condition
DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'zz') THEN ALTER TABLE users ADD COLUMN zz integer CHECK (zz > 0); END IF; END $$;
## DO with EXECUTE
DO $$ BEGIN EXECUTE 'ALTER TABLE users ALTER COLUMN age TYPE bigint'; END $$;
## DO with EXECUTE within EXECUTE
DO $do$ BEGIN EXECUTE $e$ DO $i$ BEGIN EXECUTE 'CREATE INDEX ON logins (a)'; END $i$ $e$; END $do$;
## DO with CONCURRENTLY
DO $$ BEGIN CREATE INDEX CONCURRENTLY i ON logins (a); END $$;
## DO with format
DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN z integer', 'users'); END $$;
## a function that alters
SELECT tighten();
## a procedure that alters
CALL widen();
## a function made and called in the file
CREATE FUNCTION once() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX ON logins (a); END $$;
SELECT once();
DROP FUNCTION once();
## a function in SQL that alters
CREATE FUNCTION once() RETURNS void LANGUAGE sql AS 'ALTER TABLE logins ALTER COLUMN a SET NOT NULL';
SELECT once();
## savepoints
BEGIN;
SAVEPOINT s;
ALTER TABLE logins ADD COLUMN z integer;
ROLLBACK TO SAVEPOINT s;
ALTER TABLE logins ALTER COLUMN a SET NOT NULL;
COMMIT;
## rolled back to before the CHECK
BEGIN;
SAVEPOINT s;
ALTER TABLE logins ADD CONSTRAINT nn CHECK (a IS NOT NULL);
ROLLBACK TO s;
ALTER TABLE logins ALTER COLUMN a SET NOT NULL;
COMMIT;
## rolled back as a whole
BEGIN;
ALTER TABLE logins ADD CONSTRAINT nn CHECK (a IS NOT NULL);
ROLLBACK;
ALTER TABLE logins ALTER COLUMN a SET NOT NULL;
## a table made, rolled back and there all along
BEGIN;
DROP TABLE draft;
CREATE TABLE draft (id integer, body text);
ROLLBACK;
ALTER TABLE draft ALTER COLUMN body SET NOT NULL;
## START TRANSACTION, END
START TRANSACTION;
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID;
END;
ALTER TABLE logins VALIDATE CONSTRAINT c;
## work while a lock is held
BEGIN;
ALTER TABLE users ADD COLUMN z integer;
CREATE INDEX ON logins (a);
COMMIT;
## several tables in a transaction
BEGIN;
ALTER TABLE users ADD COLUMN z integer;
ALTER TABLE teams ADD COLUMN z integer;
COMMIT;
## lock_timeout set
SET lock_timeout = '2s';
ALTER TABLE users ADD COLUMN z integer;
## lock_timeout set locally, in another transaction
BEGIN;
SET LOCAL lock_timeout = '2s';
COMMIT;
ALTER TABLE users ADD COLUMN z integer;
## identity
ALTER TABLE logins ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE logins ALTER COLUMN id SET GENERATED BY DEFAULT;
ALTER TABLE logins ALTER COLUMN id DROP IDENTITY;
## identity of a nullable column
ALTER TABLE logins ALTER COLUMN code ADD GENERATED ALWAYS AS IDENTITY;
## SET EXPRESSION [17+]
ALTER TABLE logins ADD COLUMN z text GENERATED ALWAYS AS (b || 'x') STORED;
-- then
ALTER TABLE logins ALTER COLUMN z SET EXPRESSION AS (b || 'y');
ALTER TABLE logins ALTER COLUMN z DROP EXPRESSION;
## SET EXPRESSION of a virtual column [18+]
ALTER TABLE logins ADD COLUMN z text GENERATED ALWAYS AS (b || 'x') VIRTUAL;
-- then
ALTER TABLE logins ALTER COLUMN z SET EXPRESSION AS (b || 'y');
## SET and DROP DEFAULT
ALTER TABLE users ALTER COLUMN nick SET DEFAULT 'y';
ALTER TABLE users ALTER COLUMN nick DROP DEFAULT;
## DROP NOT NULL
ALTER TABLE users ALTER COLUMN nick DROP NOT NULL;
## DROP NOT NULL of a primary key
ALTER TABLE users ALTER COLUMN id DROP NOT NULL;
## CREATE VIEW
CREATE VIEW v AS SELECT id, name FROM users;
CREATE OR REPLACE VIEW v AS SELECT id, name, age FROM users;
## CREATE OR REPLACE VIEW with fewer columns
CREATE OR REPLACE VIEW login_codes AS SELECT id FROM logins;
## CREATE EXTENSION
CREATE EXTENSION IF NOT EXISTS plpgsql;
## psql meta and comments
-- CREATE INDEX ON users (name);
/* DROP TABLE users; */ SELECT 'ALTER TABLE users DROP COLUMN name;';
## CREATE TABLE with everything
CREATE TABLE z (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a integer CHECK (a > 0) UNIQUE, b json, w weight, t text GENERATED ALWAYS AS ('x') STORED, EXCLUDE USING btree (a WITH =));
## CREATE TABLE in a transaction, then an old table
BEGIN;
CREATE TABLE z (id integer PRIMARY KEY);
CREATE INDEX ON z (id);
CREATE INDEX ON logins (a);
COMMIT;
## sequence
ALTER SEQUENCE counter RESTART WITH 5;
ALTER SEQUENCE counter OWNED BY users.id;
ALTER SEQUENCE counter RENAME TO teller;
## rename a schema
ALTER SCHEMA app RENAME TO extra;
## rename a type
ALTER TYPE colour RENAME TO hue;
## rename a column of a view
ALTER VIEW login_codes RENAME COLUMN code TO number;
## rename a view
ALTER VIEW login_codes RENAME TO login_numbers;
## rename a function
ALTER FUNCTION steady() RENAME TO firm;
## rename a constraint and an index
ALTER TABLE users RENAME CONSTRAINT users_age TO age_is_positive;
ALTER INDEX users_pkey RENAME TO users_key;
## a sequence starts again
ALTER TABLE logins ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
-- then
ALTER TABLE logins ALTER COLUMN id RESTART WITH 100;
## a publication
CREATE PUBLICATION p FOR TABLE logins;
## DROP TABLE IF EXISTS, then the table anew
DROP TABLE IF EXISTS draft;
CREATE TABLE draft (id integer PRIMARY KEY, body text NOT NULL);
CREATE INDEX ON draft (body);
## the index first dropped, then made again, of a widened column
DROP INDEX CONCURRENTLY users_email_lower;
ALTER TABLE users ALTER COLUMN email TYPE varchar(60);
CREATE INDEX CONCURRENTLY users_email_lower ON users (lower(email));
## the CHECK first dropped, then added NOT VALID, of a widened column
ALTER TABLE users DROP CONSTRAINT users_note;
ALTER TABLE users ALTER COLUMN note TYPE varchar(60);
ALTER TABLE users ADD CONSTRAINT users_note CHECK (length(note) > 0) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_note;
## an expression index with INCLUDE, of a widened column
CREATE INDEX logins_b ON logins (lower(b)) INCLUDE (a);
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## a plain index with INCLUDE, of a widened column
CREATE INDEX logins_b ON logins (b) INCLUDE (a);
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## a unique key of a partitioned table, of a widened column
ALTER TABLE events ADD CONSTRAINT u UNIQUE (at, kind);
-- then
ALTER TABLE events ALTER COLUMN kind TYPE varchar(20);
## an index of a partition alone, of a widened column
CREATE INDEX own ON events_2020 (kind);
DROP INDEX events_kind;
-- then
ALTER TABLE events ALTER COLUMN kind TYPE varchar(20);
## statistics on a widened column
CREATE STATISTICS s ON a, code FROM logins;
-- then
ALTER TABLE logins ALTER COLUMN a TYPE varchar(20);
## DROP COLUMN that UPDATE OF names
CREATE TRIGGER t BEFORE UPDATE OF a ON logins FOR EACH ROW EXECUTE FUNCTION note();
-- then
ALTER TABLE logins DROP COLUMN a;
## DROP COLUMN of the partition key
ALTER TABLE events DROP COLUMN at;
## DROP COLUMN of an inheritance parent
ALTER TABLE animal DROP COLUMN name;
## DROP COLUMN of an inheritance child
ALTER TABLE dog DROP COLUMN name;
## rename a column of a partition
ALTER TABLE events_2020 RENAME COLUMN kind TO sort;
## the type of a column of a partition
ALTER TABLE events_2020 ALTER COLUMN kind TYPE varchar(20);
## DROP CONSTRAINT of a partition, inherited
ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0);
-- then
ALTER TABLE events_2020 DROP CONSTRAINT c;
## DROP INDEX of a partition, attached
DROP INDEX events_2020_kind_idx;
## NOT NULL of a child dropped
ALTER TABLE dog ALTER COLUMN id DROP NOT NULL;
## SET DEFAULT of a generated column
ALTER TABLE logins ADD COLUMN z text GENERATED ALWAYS AS (b || 'x') STORED;
-- then
ALTER TABLE logins ALTER COLUMN z SET DEFAULT 'y';
## a column twice
ALTER TABLE logins ADD COLUMN z integer, ADD COLUMN z text;
## a column that is there
ALTER TABLE logins ADD COLUMN a integer;
## a foreign key with a column that is not there
ALTER TABLE logins ADD FOREIGN KEY (nothing) REFERENCES users (id);
## a foreign key to a table that is not there
ALTER TABLE logins ADD FOREIGN KEY (user_id) REFERENCES nowhere (id);
## a table that is there
CREATE TABLE logins (id integer);
## a view that is there
CREATE VIEW login_codes AS SELECT 1 AS a;
## a type that is there
CREATE TYPE colour AS ENUM ('blue');
## a column of a type that is not there
ALTER TABLE logins ADD COLUMN z nothing;
## one CHECK as proof for a primary key of two
ALTER TABLE areas_s ADD CONSTRAINT nn CHECK (id IS NOT NULL);
-- then
ALTER TABLE areas_s ADD PRIMARY KEY (id, region);
## a primary key of an inheritance parent
ALTER TABLE animal ADD PRIMARY KEY (id);
## add and validate NOT VALID in one statement
ALTER TABLE logins ADD CONSTRAINT c CHECK (code > 0) NOT VALID, VALIDATE CONSTRAINT c;
## a CHECK and NOT NULL that it proves, in one
ALTER TABLE logins ADD CONSTRAINT nn CHECK (a IS NOT NULL), ALTER COLUMN a SET NOT NULL;
## deferrable foreign key
ALTER TABLE users ALTER CONSTRAINT users_team_id_fkey DEFERRABLE INITIALLY DEFERRED;
## an index over the columns of a foreign key
CREATE INDEX CONCURRENTLY logins_user ON logins (user_id);
ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
ALTER TABLE logins VALIDATE CONSTRAINT f;
