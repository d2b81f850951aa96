#!/bin/sh
# The roles and logins of a database, for an administrator to run once (in the compose file PostgreSQL does, at its first
# start). `a2a_owner` migrates and owns the tables; `a2a_web` is for everything that runs, and may do nothing but become a role.
set -eu
psql -v ON_ERROR_STOP=1 -v database="${POSTGRES_DB:?}" -v owner_password="${A2A_OWNER_PASSWORD:?}" \
  -v web_password="${A2A_WEB_PASSWORD:?}" --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE a2a_app NOLOGIN;
CREATE ROLE a2a_platform NOLOGIN;
CREATE ROLE a2a_auditor NOLOGIN;
CREATE ROLE a2a_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE a2a_web LOGIN NOINHERIT PASSWORD :'web_password';
GRANT a2a_app, a2a_platform TO a2a_owner, a2a_web;
ALTER DATABASE :"database" OWNER TO a2a_owner;
-- A role that could call it would change, within its own SELECT, whose rows it sees.
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO a2a_owner;
SQL
