CREATE SCHEMA app;
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TYPE spot AS (x integer, y integer);
CREATE DOMAIN weight AS integer CHECK (VALUE >= 0);
CREATE DOMAIN label AS varchar(20);
CREATE DOMAIN must AS integer NOT NULL;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION dice() RETURNS integer LANGUAGE sql AS 'SELECT (random() * 6)::integer';
CREATE FUNCTION steady() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 6';
CREATE FUNCTION tighten() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE users ALTER COLUMN name SET NOT NULL; END $$;
CREATE PROCEDURE widen() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TABLE users ALTER COLUMN age TYPE bigint'; END $$;

CREATE TABLE teams (id bigint PRIMARY KEY, code varchar(10) UNIQUE, name text);
CREATE TABLE users (
    id bigint PRIMARY KEY,
    email varchar(50),
    name text,
    age integer,
    mood colour,
    stars weight,
    tag label,
    team_id bigint REFERENCES teams (id),
    seen timestamp,
    born date,
    note varchar(20),
    nick varchar(30) NOT NULL DEFAULT 'x',
    place spot,
    score numeric(10,2),
    raw text,
    CONSTRAINT users_age CHECK (age > 0),
    CONSTRAINT users_note CHECK (length(note) > 0),
    CONSTRAINT users_born CHECK (born IS NOT NULL AND born > '1900-01-01'),
    CONSTRAINT users_seen CHECK (seen IS NOT NULL OR age IS NULL)
);
CREATE INDEX users_email_lower ON users (lower(email));
CREATE INDEX users_team ON users (team_id);
CREATE INDEX users_nick_long ON users (id) WHERE length(nick) > 5;
CREATE UNIQUE INDEX users_name_key ON users (name);
CREATE INDEX users_tag ON users (tag);
CREATE INDEX users_score ON users (score);
CREATE INDEX users_seen_idx ON users (seen);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();

CREATE TABLE logins (id integer PRIMARY KEY, user_id bigint, code integer, at timestamptz, a varchar(10), b text NOT NULL, n numeric(10,4));
CREATE VIEW login_codes AS SELECT code FROM logins;
CREATE MATERIALIZED VIEW login_counts AS SELECT user_id, count(*) AS n FROM logins GROUP BY user_id;
CREATE MATERIALIZED VIEW login_users AS SELECT DISTINCT user_id FROM logins;
CREATE UNIQUE INDEX login_users_key ON login_users (user_id);

CREATE TABLE app.users (id integer PRIMARY KEY, name text);
CREATE TABLE "Mixed Case" ("Id" integer PRIMARY KEY, "Full Name" text, "order" integer);

CREATE TABLE animal (id integer NOT NULL, name text);
CREATE TABLE dog (breed text) INHERITS (animal);

CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind varchar(10), user_id bigint) PARTITION BY RANGE (at);
CREATE INDEX events_kind ON events (kind);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_2021 (id bigint NOT NULL, at date NOT NULL, kind varchar(10), user_id bigint);
CREATE TABLE areas (id integer, region text NOT NULL) PARTITION BY LIST (region);
CREATE TABLE areas_n PARTITION OF areas FOR VALUES IN ('north');
CREATE TABLE areas_rest PARTITION OF areas DEFAULT;
CREATE TABLE areas_s (id integer, region text NOT NULL);

CREATE UNLOGGED TABLE draft (id integer PRIMARY KEY, body text);
CREATE SEQUENCE counter;
