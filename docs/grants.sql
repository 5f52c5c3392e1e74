-- What each role of "kycmark serve" may do with a registry in PostgreSQL. The owner of the tables, who may also create
-- roles, runs this file once, and again after an upgrade:
--
--   PGOPTIONS='-c search_path=SCHEMA' psql -v ON_ERROR_STOP=1 -f docs/grants.sql DATABASE
--
-- It makes the roles DATABASE_SCHEMA_intake, _issue, _investigate, _audit and _admin, which cannot log in. Each process
-- has a login of its own:
--
--   CREATE ROLE intake1 LOGIN PASSWORD '…' IN ROLE DATABASE_SCHEMA_intake;
--
-- Each has what its routes need. investigate also has what the command "investigate" and workers need.
-- S is SELECT, I INSERT, U UPDATE, D DELETE. M is MAINTAIN, which an erasure needs to free old rows. Before PostgreSQL 17
-- only their owner can: first CREATE ROLE DATABASE_SCHEMA_admin, then ALTER TABLE ... OWNER TO DATABASE_SCHEMA_admin for
-- the five tables with M. Then a superuser runs this file. The role can then do all with these tables.
DO $$
DECLARE
    one record;
    queue text := current_schema() || '_queue';
BEGIN
    IF to_regnamespace(quote_ident(queue)) IS NULL THEN
        RAISE EXCEPTION 'schema % is missing: "kycmark init" makes it, or the owner runs "kycmark work" once', queue;
    END IF;
    FOR one IN SELECT r.role, current_database() || '_' || current_schema() || '_' || r.role AS name
        FROM unnest(ARRAY['intake', 'issue', 'investigate', 'audit', 'admin']) AS r(role)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = one.name) THEN
            EXECUTE format('CREATE ROLE %I', one.name);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), one.name);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), one.name);
        IF one.role = 'investigate' THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %1$I TO %2$I; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO %2$I;
                GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$I TO %2$I', queue, one.name);
        END IF;
    END LOOP;
    FOR one IN SELECT g.tab, r.role, string_agg(w.word, ', ') AS rights
        FROM (VALUES
            -- table               intake  issue   investigate  audit  admin
            ('schema_version',     'S',    'S',    'S',         'S',   'S'),
            ('registry',           'S',    'S',    'S',         'S',   'S'),
            ('ledger',             'SI',   'SI',   'SI',        'S',   'SI'),
            ('ledger_head',        'SU',   'SU',   'SU',        'SU',  'SU'),
            ('list_node',          'SIU',  'SIU',  'SIU',       'S',   'SIU'),
            ('checkpoint',         '',     '',     'S',         'SI',  'S'),
            ('cosigned',           '',     '',     'S',         'S',   ''),
            ('recipient',          'S',    'S',    'S',         'S',   'SIUM'),
            ('mark_key',           '',     'S',    'S',         'S',   ''),
            ('key_state',          '',     'S',    'S',         'S',   ''),
            ('submission',         'SI',   'S',    'S',         'S',   'SUM'),
            ('subject',            'S',    'S',    'S',         'S',   'SUM'),
            ('sealed',             'SIU',  'S',    'S',         'S',   'SDM'),
            ('removal',            '',     'SID',  'SID',       '',    'SID'),
            ('custody',            'SI',   '',     'S',         'S',   'SI'),
            ('custody_submission', 'SI',   '',     'S',         'S',   'SI'),
            ('custody_event',      'I',    '',     'S',         'S',   'SD'),
            ('copy',               '',     'SI',   'S',         'S',   'S'),
            ('release',            '',     'SI',   'S',         'S',   'SI'),
            ('receipt',            '',     'SI',   'S',         'S',   'SI'),
            ('came_back',          'S',    'SI',   'S',         'S',   ''),
            ('erasure',            '',     '',     'S',         'S',   'I'),
            ('erasure_submission', '',     '',     'S',         'S',   'I'),
            ('investigation',      '',     '',     'SI',        'S',   ''),
            ('conclusion',         '',     '',     'SI',        'S',   ''),
            ('segment',            'S',    '',     'S',         'S',   'SUDM'),
            ('kept',               '',     'SIUD', 'SIUD',      '',    'SUD'),
            ('kept_part',          '',     'SID',  'SID',       '',    'SD'),
            ('kept_chunk',         'S',    'SID',  'SID',       '',    'SD'),
            ('kept_submission',    '',     'SD',   'SID',       '',    'SD'),
            ('token',              'S',    'S',    'S',         'S',   'S'),
            ('notice',             '',     '',     'SIUD',      'SIUD','SIUD'),
            ('request',            'SIUD', 'SIUD', 'SIUD',      'SIUD','SIUD')
        ) AS g(tab, intake, issue, investigate, audit, admin),
        LATERAL (VALUES ('intake', g.intake), ('issue', g.issue), ('investigate', g.investigate), ('audit', g.audit),
            ('admin', g.admin)) AS r(role, letters),
        (VALUES ('S', 'SELECT'), ('I', 'INSERT'), ('U', 'UPDATE'), ('D', 'DELETE'), ('M', 'MAINTAIN')) AS w(letter, word)
        WHERE strpos(r.letters, w.letter) > 0
            AND (w.letter <> 'M' OR current_setting('server_version_num')::int >= 170000)
        GROUP BY g.tab, r.role
    LOOP
        EXECUTE format('GRANT %s ON %I.%I TO %I', one.rights, current_schema(), one.tab,
            current_database() || '_' || current_schema() || '_' || one.role);
    END LOOP;
END $$;
