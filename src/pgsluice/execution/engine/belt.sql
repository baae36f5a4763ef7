-- name: watch
-- Runs in the second connection while the first one strikes. It works in the server, so that neither a slow network nor a
-- stopped client can loosen it. The strike is known by the marker at the start of its query text. It is cancelled after
-- cancel_s, again and again, and its backend is ended after end_s. pgsluice.belt holds the orders, and
-- afterwards what was seen.
DO $belt$
DECLARE
    orders jsonb := pg_catalog.current_setting('pgsluice.belt');
    target integer := (orders ->> 'pid')::integer;
    marker text := orders ->> 'marker';
    cancel_after interval := pg_catalog.make_interval(secs => (orders ->> 'cancel_s')::float8);
    end_after interval := pg_catalog.make_interval(secs => (orders ->> 'end_s')::float8);
    began timestamptz := pg_catalog.clock_timestamp();
    polls integer := 0;
    waits integer := 0;
    cancels integer := 0;
    blockers integer[] := '{}';
    seen record;
BEGIN
    LOOP
        PERFORM pg_catalog.pg_sleep(0.004);
        PERFORM pg_catalog.pg_stat_clear_snapshot();
        SELECT a.state = 'active' AS active, a.wait_event_type = 'Lock' AS waiting,
               pg_catalog.starts_with(a.query, marker) AS ours, pg_catalog.clock_timestamp() - a.query_start AS age
        INTO seen FROM pg_catalog.pg_stat_get_activity(target) a;
        EXIT WHEN NOT FOUND;
        IF NOT seen.ours THEN
            EXIT WHEN pg_catalog.clock_timestamp() > began + end_after + interval '2 s';
            CONTINUE;
        END IF;
        EXIT WHEN NOT seen.active;
        polls := polls + 1;
        IF seen.waiting THEN
            waits := waits + 1;
            IF waits % 3 = 1 THEN  -- it locks the whole lock table for a moment
                blockers := blockers || pg_catalog.pg_blocking_pids(target);
            END IF;
        END IF;
        IF seen.age > end_after THEN
            PERFORM pg_catalog.pg_terminate_backend(target);
        ELSIF seen.age > cancel_after THEN
            PERFORM pg_catalog.pg_cancel_backend(target);
            cancels := cancels + 1;
        END IF;
    END LOOP;
    PERFORM pg_catalog.set_config('pgsluice.belt', pg_catalog.json_build_object('polls', polls, 'waits', waits,
        'cancels', cancels, 'blockers', (SELECT pg_catalog.array_agg(DISTINCT b) FROM pg_catalog.unnest(blockers) b))::text, false);
END
$belt$

-- name: seen
SELECT pg_catalog.current_setting('pgsluice.belt')
