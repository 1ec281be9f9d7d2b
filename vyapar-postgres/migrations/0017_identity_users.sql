-- Accounts and their sessions (spec: users).

create table vyapar.users (
    id                    uuid        not null constraint users_pkey primary key,
    -- How to reach him and his name arrive sealed.
    email                 bytea,
    phone                 bytea,
    password_hash         varchar,
    full_name             bytea,
    role                  varchar     not null check (role in ('customer', 'store_owner', 'admin')),
    email_verified        boolean     not null,
    phone_verified        boolean     not null,
    email_link_hash       bytea,
    email_link_expires_at timestamptz,
    is_active             boolean     not null,
    erased_at             timestamptz,
    session_epoch         bigint      not null,
    last_login            timestamptz,
    version               bigint      not null check (version > 0),
    created_at            timestamptz not null,
    updated_at            timestamptz not null,
    check ((email_link_hash is null) = (email_link_expires_at is null))
);
create index users_role on vyapar.users (role, id);

-- Whose a contact is, by each of its keyed hashes. That a hash has one user is what makes
-- contacts unique: `users.email` and `users.phone`. (The hash comes first in the key, so that
-- no plan finds rows by their kind alone.)
create table vyapar.user_lookups (
    kind     varchar not null check (kind in ('email', 'phone')),
    lookup   bytea   not null,
    user_id  uuid    not null references vyapar.users (id),
    position integer not null,
    primary key (lookup, kind)
);
create index user_lookups_user on vyapar.user_lookups (user_id, kind, position);

create table vyapar.sessions (
    id         uuid        not null primary key,
    user_id    uuid        not null references vyapar.users (id),
    token_hash bytea       not null,
    epoch      bigint      not null,
    device     varchar,
    created_at timestamptz not null,
    last_seen  timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index sessions_user on vyapar.sessions (user_id, id);
create index sessions_expires on vyapar.sessions (expires_at);

select from vyapar.isolate_identity('users', 'id');
select from vyapar.isolate_identity('user_lookups', 'user_id');
select from vyapar.isolate_identity('sessions', 'user_id');
grant select, insert, update on vyapar.users to vyapar_app;
grant select, insert, update, delete on vyapar.user_lookups, vyapar.sessions to vyapar_app;

-- Makes these the hashes that a user is found by; raises `users_email` or `users_phone` where
-- another has one. All are added, in their order, before any goes: so two who exchange
-- contacts at once never wait for each other in a circle.
create function vyapar.put_lookups(p_user uuid, p_lookups jsonb) returns void
language plpgsql as $$
declare
    v_taken varchar;
begin
    insert into vyapar.user_lookups (kind, lookup, user_id, position)
        select w.kind, w.lookup, p_user, min(w.position)
          from jsonb_populate_recordset(null::vyapar.user_lookups, p_lookups) w
         group by w.kind, w.lookup order by w.kind, w.lookup
    on conflict do nothing;
    select w.kind into v_taken
      from jsonb_populate_recordset(null::vyapar.user_lookups, p_lookups) w
     where not exists (
         select from vyapar.user_lookups l where l.kind = w.kind and l.lookup = w.lookup and l.user_id = p_user)
     limit 1;
    if found then
        raise unique_violation using constraint = 'users_' || v_taken, message = 'a contact is another user''s';
    end if;
    update vyapar.user_lookups l set position = w.position
      from jsonb_populate_recordset(null::vyapar.user_lookups, p_lookups) w
     where l.user_id = p_user and l.kind = w.kind and l.lookup = w.lookup and l.position <> w.position;
    delete from vyapar.user_lookups l
     where l.user_id = p_user and (l.kind, l.lookup) not in (
         select w.kind, w.lookup from jsonb_populate_recordset(null::vyapar.user_lookups, p_lookups) w);
end
$$;

create function vyapar.insert_user(p_user jsonb, p_lookups jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    insert into vyapar.users select * from jsonb_populate_record(null::vyapar.users, p_user);
    perform vyapar.put_lookups((p_user ->> 'id')::uuid, p_lookups);
    perform vyapar.insert_audit(p_audit);
end
$$;

-- Stores the new state where the version is the expected one; says whether it was. The last
-- login is written by sessions alone.
create function vyapar.update_user(
    p_user jsonb, p_lookups jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.users u
       set email = n.email, phone = n.phone, password_hash = n.password_hash, full_name = n.full_name, role = n.role,
           email_verified = n.email_verified, phone_verified = n.phone_verified,
           email_link_hash = n.email_link_hash, email_link_expires_at = n.email_link_expires_at,
           is_active = n.is_active, erased_at = n.erased_at, session_epoch = n.session_epoch,
           version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.users, p_user) n
     where u.id = n.id and u.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.put_lookups((p_user ->> 'id')::uuid, p_lookups);
    if p_audit is not null then
        perform vyapar.insert_audit(p_audit);
    end if;
    return true;
end
$$;

create function vyapar.find_user(p_id uuid, p_lock_timeout integer)
returns table (found vyapar.users, email_lookups bytea[], phone_lookups bytea[])
language plpgsql as $$
begin
    perform vyapar.enter_user(p_id, p_lock_timeout);
    return query
        select u,
               array(select l.lookup from vyapar.user_lookups l
                      where l.user_id = u.id and l.kind = 'email' order by l.position),
               array(select l.lookup from vyapar.user_lookups l
                      where l.user_id = u.id and l.kind = 'phone' order by l.position)
          from vyapar.users u where u.id = p_id;
end
$$;

-- The user who has the first of these hashes that anyone has.
create function vyapar.find_user_by_contact(p_kind varchar, p_lookups bytea[], p_lock_timeout integer)
returns table (found vyapar.users, email_lookups bytea[], phone_lookups bytea[])
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    return query
        select u,
               array(select l.lookup from vyapar.user_lookups l
                      where l.user_id = u.id and l.kind = 'email' order by l.position),
               array(select l.lookup from vyapar.user_lookups l
                      where l.user_id = u.id and l.kind = 'phone' order by l.position)
          from unnest(p_lookups) with ordinality a(lookup, place)
          join vyapar.user_lookups w on w.kind = p_kind and w.lookup = a.lookup
          join vyapar.users u on u.id = w.user_id
         order by a.place limit 1;
end
$$;

-- Adds a session and notes the login where its user is active and of its epoch; says whether
-- he was. A session that is there already stays as it is.
create function vyapar.start_session(p_session jsonb, p_audit jsonb, p_lock_timeout integer) returns boolean
language plpgsql as $$
declare
    v_user uuid := (p_session ->> 'user_id')::uuid;
begin
    perform vyapar.enter_identity(p_lock_timeout);
    perform from vyapar.users u
      where u.id = v_user and u.is_active and u.session_epoch = (p_session ->> 'epoch')::bigint
        for no key update;
    if not found then
        return false;
    end if;
    insert into vyapar.sessions select * from jsonb_populate_record(null::vyapar.sessions, p_session)
    on conflict do nothing;
    if found then
        update vyapar.users u set last_login = (p_session ->> 'created_at')::timestamptz where u.id = v_user;
        perform vyapar.insert_audit(p_audit);
    end if;
    return true;
end
$$;

create function vyapar.find_session(p_id uuid, p_lock_timeout integer) returns setof vyapar.sessions
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    return query select * from vyapar.sessions s where s.id = p_id;
end
$$;

-- A user's sessions, newest first, from the one before p_before on.
create function vyapar.find_sessions_of_user(p_user uuid, p_before uuid, p_limit bigint, p_lock_timeout integer)
returns setof vyapar.sessions
language plpgsql as $$
begin
    perform vyapar.enter_user(p_user, p_lock_timeout);
    return query
        select * from vyapar.sessions s
         where s.user_id = p_user and s.id < coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
         order by s.id desc limit p_limit;
end
$$;

create function vyapar.touch_session(p_id uuid, p_at timestamptz, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.sessions s set last_seen = p_at where s.id = p_id and s.last_seen < p_at;
end
$$;

create function vyapar.revoke_session(
    p_user uuid, p_id uuid, p_now timestamptz, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.sessions s set revoked_at = p_now
     where s.id = p_id and s.user_id = p_user and s.revoked_at is null and s.expires_at > p_now;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

create function vyapar.sweep_sessions(p_before timestamptz, p_limit bigint, p_lock_timeout integer) returns bigint
language plpgsql as $$
declare
    v_swept bigint;
begin
    perform vyapar.enter_identity(p_lock_timeout);
    delete from vyapar.sessions d where d.id = any (array(
        select s.id from vyapar.sessions s where s.expires_at < p_before
         order by s.expires_at limit p_limit for update skip locked));
    get diagnostics v_swept = row_count;
    return v_swept;
end
$$;

-- Puts another sealed text in the place of one; says whether that one stood there.
create function vyapar.replace_user_text(
    p_id uuid, p_column varchar, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.users u
       set email = case p_column when 'email' then p_to else u.email end,
           phone = case p_column when 'phone' then p_to else u.phone end,
           full_name = case p_column when 'full_name' then p_to else u.full_name end
     where u.id = p_id
       and p_from = case p_column when 'email' then u.email when 'phone' then u.phone
                                  when 'full_name' then u.full_name end;
    return found;
end
$$;
