CREATE SCHEMA sales;

CREATE SCHEMA "Odd Name";

CREATE EXTENSION citext;

CREATE EXTENSION hstore WITH SCHEMA sales;

CREATE COLLATION "Odd Name".numeric_order (provider = icu, locale = 'en-u-kn-true');

CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s fine');

CREATE DOMAIN positive AS integer DEFAULT 1 NOT NULL CONSTRAINT above_zero CHECK (VALUE > 0);

CREATE TYPE sales.address AS (street text, zip character varying(10) COLLATE "C");

CREATE TYPE temperature AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE SEQUENCE sales.invoice_number AS integer INCREMENT BY 5 MINVALUE 10 MAXVALUE 1000 START WITH 20 CACHE 7 CYCLE;

CREATE SEQUENCE countdown INCREMENT BY -1;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now(); -- a semicolon; inside
  RETURN NEW;
END $$;

CREATE FUNCTION add_to(a integer, VARIADIC b integer[] DEFAULT '{}') RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
  SET search_path = '' AS 'SELECT $1';

CREATE PROCEDURE sales.archive(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;

CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', PARALLEL = SAFE);

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 CACHE 5) PRIMARY KEY,
  email citext NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
  name text COLLATE "C" DEFAULT 'x; y' NOT NULL,
  feeling mood DEFAULT 'ok',
  age positive,
  home sales.address,
  tags text[] DEFAULT '{}',
  price numeric(10,2) CHECK (price >= 0),
  name_length integer GENERATED ALWAYS AS (length(name)) STORED,
  attributes sales.hstore,
  updated_at timestamp(3) with time zone DEFAULT now()
) WITH (fillfactor = 70, toast.autovacuum_enabled = false);

CREATE TABLE sales.orders (
  id serial,
  customer bigint REFERENCES customers ON DELETE CASCADE DEFERRABLE,
  parent integer,
  during tstzrange,
  "Weird ""column""" text,
  note text,
  PRIMARY KEY (id) WITH (fillfactor = 90),
  CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) WHERE (parent IS NULL)
);

ALTER TABLE sales.orders ADD CONSTRAINT orders_parent_fkey FOREIGN KEY (parent) REFERENCES sales.orders ON UPDATE SET NULL NOT VALID;

ALTER TABLE sales.orders ADD CONSTRAINT note_short CHECK (length(note) < 100) NO INHERIT NOT VALID;

CREATE UNLOGGED TABLE scratch (k uuid, v jsonb);

ALTER TABLE scratch ALTER v SET STORAGE EXTERNAL, ALTER k SET STATISTICS 50, ALTER v SET (n_distinct = -0.5);

CREATE TABLE events (id bigint NOT NULL, day date NOT NULL, kind text DEFAULT 'x', PRIMARY KEY (id, day)) PARTITION BY RANGE (day);

CREATE TABLE events_2024 PARTITION OF events (kind DEFAULT 'old') FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');

CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY HASH (id);

CREATE TABLE events_rest_0 PARTITION OF events_rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);

CREATE INDEX events_kind_idx ON events (kind);

CREATE TABLE animals (name text NOT NULL, legs integer DEFAULT 4);

CREATE TABLE birds (wings integer) INHERITS (animals);

ALTER TABLE birds ALTER legs SET DEFAULT 2;

CREATE UNIQUE INDEX customers_lower_idx ON customers (lower(name) DESC NULLS LAST, age) INCLUDE (price) WHERE age > 10;

CREATE INDEX tags_idx ON customers USING gin (tags) WITH (fastupdate = off);

CREATE VIEW adults WITH (security_barrier = true) AS SELECT c.id, c.name FROM customers c WHERE c.age > 17;

CREATE VIEW a_view_of_adults AS SELECT id FROM adults WITH CASCADED CHECK OPTION;

CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) AS n FROM sales.orders GROUP BY customer WITH NO DATA;

CREATE UNIQUE INDEX totals_customer_idx ON totals (customer);

CREATE RULE protect AS ON DELETE TO scratch WHERE old.k IS NOT NULL DO INSTEAD NOTHING;

CREATE TRIGGER customers_touch BEFORE UPDATE OF name, age ON customers FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION touch();

CREATE TRIGGER events_touch AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION touch();

CREATE CONSTRAINT TRIGGER late AFTER INSERT ON sales.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch('a', 'it''s');

ALTER TABLE customers DISABLE TRIGGER customers_touch;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY FULL;

CREATE POLICY own_rows ON customers AS RESTRICTIVE FOR UPDATE TO app_user, reporting USING (id > 0) WITH CHECK (age > 0);

CREATE STATISTICS sales.orders_stats (ndistinct, mcv) ON customer, parent FROM sales.orders;

ALTER STATISTICS sales.orders_stats SET STATISTICS 300;

ALTER TABLE sales.orders CLUSTER ON orders_pkey;

COMMENT ON TABLE customers IS 'Who buys; it''s them';

COMMENT ON COLUMN customers.name IS 'Full name';

COMMENT ON CONSTRAINT no_overlap ON sales.orders IS 'No two at once';

COMMENT ON FUNCTION add_to(integer, integer[]) IS 'Adds';

COMMENT ON INDEX tags_idx IS 'By tag';

COMMENT ON TYPE mood IS 'How one feels';

COMMENT ON SCHEMA sales IS 'Selling';

COMMENT ON TRIGGER late ON sales.orders IS 'Late';

COMMENT ON VIEW adults IS 'Grown up';

GRANT SELECT, INSERT ON customers TO app_user;

GRANT SELECT ON customers TO reporting WITH GRANT OPTION;

GRANT UPDATE (name, age) ON customers TO reporting;

GRANT USAGE ON SCHEMA sales TO PUBLIC;

GRANT USAGE ON SEQUENCE countdown TO app_user;

REVOKE EXECUTE ON FUNCTION add_to(integer, integer[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION add_to(integer, integer[]) TO reporting;

ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO reporting;

ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE PUBLICATION changes FOR TABLE customers, events WITH (publish = 'insert, update');

-- since 14
ALTER TABLE scratch ALTER v SET COMPRESSION pglz;

CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql RETURN n * 2;

-- since 15
CREATE UNIQUE INDEX orders_parent_idx ON sales.orders (parent) NULLS NOT DISTINCT;

CREATE VIEW invoked WITH (security_invoker = true) AS SELECT 1 AS one;

-- since 18
ALTER TABLE scratch ADD CONSTRAINT k_present NOT NULL k NOT VALID;

ALTER TABLE scratch ADD CONSTRAINT v_big CHECK (v IS NOT NULL) NOT ENFORCED;

ALTER TABLE scratch ADD twice_k text GENERATED ALWAYS AS (k::text || k::text) VIRTUAL;
