#!/bin/bash
# Run once by the postgres image, when the database is new: the example's tables and rows.
set -euo pipefail
cd /world
psql -Xq -v ON_ERROR_STOP=1 --single-transaction -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'END'
\i schema.sql
\copy country from country.csv with (format csv, header match)
\copy city from city.csv with (format csv, header match)
analyze country, city;
END
