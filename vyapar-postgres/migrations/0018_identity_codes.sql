-- One-time codes (spec: otp_verifications) and failed sign-ins.

create table vyapar.otp_verifications (
    id         uuid        not null primary key,
    -- The number arrives sealed, the code as a keyed hash.
    phone      bytea       not null,
    otp_code   bytea       not null,
    purpose    varchar     not null check (purpose in ('login', 'verification', 'password_reset')),
    attempts   bigint      not null,
    expires_at timestamptz not null,
    verified   boolean     not null,
    created_at timestamptz not null
);
create index otp_verifications_created on vyapar.otp_verifications (created_at);

-- What is known of a phone's codes, under the phone's keyed hash. `codes` are rows of
-- otp_verifications as they stand, so that a swept row takes nothing from its book.
create table vyapar.otp_books (
    phone      bytea         not null primary key,
    sends      timestamptz[] not null,
    tries      jsonb         not null,
    codes      jsonb         not null,
    version    bigint        not null check (version > 0),
    updated_at timestamptz   not null
);
create index otp_books_updated on vyapar.otp_books (updated_at);

create table vyapar.login_attempts (
    key          bytea       not null primary key,
    failures     bigint      not null,
    locked_until timestamptz,
    updated_at   timestamptz not null,
    version      bigint      not null check (version > 0)
);
create index login_attempts_updated on vyapar.login_attempts (updated_at);

select from vyapar.isolate_identity('otp_verifications');
select from vyapar.isolate_identity('otp_books');
select from vyapar.isolate_identity('login_attempts');
grant select, insert, update, delete
    on vyapar.otp_verifications, vyapar.otp_books, vyapar.login_attempts to vyapar_app;

-- The book of a phone, a row for each of its codes; one without a code where it has none.
create function vyapar.find_otp_book(p_phone bytea, p_lock_timeout integer)
returns table (sends timestamptz[], tries jsonb, version bigint, updated_at timestamptz, code vyapar.otp_verifications)
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    return query
        select b.sends, b.tries, b.version, b.updated_at,
               jsonb_populate_record(null::vyapar.otp_verifications, c.code)
          from vyapar.otp_books b
          left join lateral jsonb_array_elements(b.codes) with ordinality c(code, place) on true
         where b.phone = p_phone order by c.place;
end
$$;

-- Stores the book and its codes where the version is the expected one, 0 where there is none;
-- says whether it was.
create function vyapar.save_otp_book(p_book jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    if p_expected = 0 then
        insert into vyapar.otp_books select * from jsonb_populate_record(null::vyapar.otp_books, p_book)
        on conflict do nothing;
    else
        update vyapar.otp_books b
           set sends = n.sends, tries = n.tries, codes = n.codes, version = p_expected + 1, updated_at = n.updated_at
          from jsonb_populate_record(null::vyapar.otp_books, p_book) n
         where b.phone = n.phone and b.version = p_expected;
    end if;
    if not found then
        return false;
    end if;
    insert into vyapar.otp_verifications
        select * from jsonb_populate_recordset(null::vyapar.otp_verifications, p_book -> 'codes') c order by c.id
    on conflict (id) do update
       set phone = excluded.phone, otp_code = excluded.otp_code, purpose = excluded.purpose,
           attempts = excluded.attempts, expires_at = excluded.expires_at, verified = excluded.verified,
           created_at = excluded.created_at;
    if p_audit is not null then
        perform vyapar.insert_audit(p_audit);
    end if;
    return true;
end
$$;

-- Removes old rows of codes, and books not changed for as long; says how many rows.
create function vyapar.sweep_otps(p_before timestamptz, p_limit bigint, p_lock_timeout integer) returns bigint
language plpgsql as $$
declare
    v_swept bigint;
begin
    perform vyapar.enter_identity(p_lock_timeout);
    delete from vyapar.otp_books d where d.phone = any (array(
        select b.phone from vyapar.otp_books b where b.updated_at < p_before
         order by b.updated_at limit p_limit for update skip locked));
    delete from vyapar.otp_verifications d where d.id = any (array(
        select o.id from vyapar.otp_verifications o where o.created_at < p_before
         order by o.created_at limit p_limit for update skip locked));
    get diagnostics v_swept = row_count;
    return v_swept;
end
$$;

create function vyapar.find_login_attempts(p_key bytea, p_lock_timeout integer) returns setof vyapar.login_attempts
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    return query select * from vyapar.login_attempts a where a.key = p_key;
end
$$;

-- Stores them where the version is the expected one, 0 where there are none; says whether it
-- was.
create function vyapar.save_login_attempts(p_attempts jsonb, p_expected bigint, p_lock_timeout integer) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    if p_expected = 0 then
        insert into vyapar.login_attempts select * from jsonb_populate_record(null::vyapar.login_attempts, p_attempts)
        on conflict do nothing;
    else
        update vyapar.login_attempts a
           set failures = n.failures, locked_until = n.locked_until, updated_at = n.updated_at,
               version = p_expected + 1
          from jsonb_populate_record(null::vyapar.login_attempts, p_attempts) n
         where a.key = n.key and a.version = p_expected;
    end if;
    return found;
end
$$;

create function vyapar.sweep_login_attempts(p_before timestamptz, p_limit bigint, p_lock_timeout integer)
returns bigint
language plpgsql as $$
declare
    v_swept bigint;
begin
    perform vyapar.enter_identity(p_lock_timeout);
    delete from vyapar.login_attempts d where d.key = any (array(
        select a.key from vyapar.login_attempts a where a.updated_at < p_before
         order by a.updated_at limit p_limit for update skip locked));
    get diagnostics v_swept = row_count;
    return v_swept;
end
$$;
