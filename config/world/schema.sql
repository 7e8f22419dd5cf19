-- The example's schema: countries and cities of the world, and reviews that API clients write. Safe to run again.

create table if not exists country (
    code          text primary key check (code ~ '^[A-Z]{2}$'),     -- ISO 3166-1 alpha-2
    code3         text not null unique,                             -- ISO 3166-1 alpha-3
    name          text not null,
    official_name text not null,
    region        text not null,
    subregion     text,
    capital       text,                                             -- null: has none, such as Antarctica
    area_km2      numeric,
    landlocked    boolean not null,
    languages     jsonb not null,                                   -- {"fra": "French"}
    currencies    jsonb not null,                                   -- {"EUR": {"name": "Euro", "symbol": "€"}}
    borders       jsonb not null,                                   -- ["AND", "BEL", …]: code3 of the neighbours
    flag          text,
    latitude      double precision not null,
    longitude     double precision not null
);

create table if not exists city (
    id           integer primary key,                               -- the GeoNames id: Paris is 2988507
    name         text not null,
    ascii_name   text not null,                                     -- without diacritics, for searching
    country      text not null references country,
    admin_code   text,                                              -- GeoNames first-level division
    feature_code text not null,                                     -- GeoNames: PPLC is a capital, PPL a populated place
    population   integer not null,
    latitude     double precision not null,
    longitude    double precision not null
);

create table if not exists review (
    id         bigint generated always as identity primary key,
    city_id    integer not null references city on delete cascade,
    stars      smallint not null check (stars between 1 and 5),
    text       text not null,
    author     text,                                                -- the id of the API key that wrote it
    created_at timestamptz not null default now()
);

-- One index for each way in which a route looks.
create index if not exists country_region on country (region);
create index if not exists city_largest on city (population desc, id);
create index if not exists city_largest_of_country on city (country, population desc, id);
create index if not exists city_name on city (lower(name) text_pattern_ops);             -- prefix search
create index if not exists city_ascii_name on city (lower(ascii_name) text_pattern_ops);
create index if not exists city_latitude on city (latitude);                             -- nearest
create index if not exists review_newest_of_city on review (city_id, created_at desc, id desc);
create index if not exists review_newest_of_author on review (author, created_at desc, id desc);
