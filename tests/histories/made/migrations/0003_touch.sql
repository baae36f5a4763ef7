CREATE FUNCTION lending.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := timestamp '2000-01-01';
    RETURN NEW;
END
$$;
ALTER TABLE lending.member ADD COLUMN changed timestamp;
CREATE TRIGGER touch BEFORE UPDATE ON lending.member FOR EACH ROW EXECUTE FUNCTION lending.touch();
UPDATE lending.member SET email = NULL WHERE id % 10 = 0;
