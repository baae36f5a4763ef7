SET search_path = lending, public;
CREATE FUNCTION lending.is_out(returned date) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT returned IS NULL $$;
CREATE FUNCTION lending.is_named(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length(name) > 3 $$;
ALTER TABLE loan ADD COLUMN IF NOT EXISTS series int;
CREATE UNIQUE INDEX IF NOT EXISTS loan_series ON loan (member_id) WHERE series IS NOT NULL AND is_out(returned);
DROP INDEX loan_once;
