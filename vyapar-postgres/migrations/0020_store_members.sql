-- Who works in a store (spec: store_users), and who was asked to.

create table vyapar.store_users (
    id          uuid        not null primary key,
    store_id    uuid        not null references vyapar.stores (id),
    user_id     uuid        not null,
    role        varchar     not null check (role in ('owner', 'manager', 'staff')),
    permissions jsonb       not null,
    is_active   boolean     not null,
    version     bigint      not null check (version > 0),
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    constraint store_users_user unique (store_id, user_id)
);
create index store_users_active on vyapar.store_users (user_id, store_id) where is_active;
create index store_users_owners on vyapar.store_users (store_id, user_id) where is_active and role = 'owner';

create table vyapar.store_invitations (
    id           uuid        not null primary key,
    store_id     uuid        not null references vyapar.stores (id),
    contact_kind varchar     not null check (contact_kind in ('email', 'phone')),
    -- To whom it went arrives sealed.
    contact      bytea       not null,
    token_hash   bytea       not null,
    role         varchar     not null check (role in ('owner', 'manager', 'staff')),
    permissions  jsonb       not null,
    invited_by   uuid,
    expires_at   timestamptz not null,
    accepted_at  timestamptz,
    revoked_at   timestamptz,
    created_at   timestamptz not null
);
create index store_invitations_store on vyapar.store_invitations (store_id, id);

select from vyapar.isolate_by_store('store_users');
select from vyapar.isolate_by_store('store_invitations');
grant select, insert, update on vyapar.store_users, vyapar.store_invitations to vyapar_app;

-- A user reads his own memberships in every store: the transaction names him.
create policy own_memberships on vyapar.store_users for select to vyapar_app using (
    user_id = (select nullif(current_setting('vyapar.user', true), '')::uuid));

-- As before, with the comparison inside the select: the planner then expects half of all
-- stores, not one in two hundred, and walks them by id instead of sorting them.
alter policy store_isolation on vyapar.stores using (
    id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[])
    or (select current_setting('vyapar.all_stores', true) = 'on'));

-- A store, and its first owner if it has one.
drop function vyapar.insert_store(jsonb, jsonb, integer);
create function vyapar.insert_store(p_store jsonb, p_owner jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_store ->> 'id')::uuid], p_lock_timeout);
    insert into vyapar.stores select * from jsonb_populate_record(null::vyapar.stores, p_store);
    if p_owner is not null then
        insert into vyapar.store_users select * from jsonb_populate_record(null::vyapar.store_users, p_owner);
    end if;
    perform vyapar.insert_audit(p_audit);
end
$$;

-- Adds a member; false where his user has a row in the store already.
create function vyapar.insert_store_user(p_member jsonb, p_audit jsonb, p_lock_timeout integer) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_member ->> 'store_id')::uuid], p_lock_timeout);
    insert into vyapar.store_users select * from jsonb_populate_record(null::vyapar.store_users, p_member)
    on conflict do nothing;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

create function vyapar.find_store_user(p_store uuid, p_user uuid, p_lock_timeout integer)
returns setof vyapar.store_users
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query select * from vyapar.store_users m where m.store_id = p_store and m.user_id = p_user;
end
$$;

-- Where a user works now.
create function vyapar.find_memberships(p_user uuid, p_limit bigint, p_lock_timeout integer)
returns setof vyapar.store_users
language plpgsql as $$
begin
    perform vyapar.enter_user(p_user, p_lock_timeout);
    return query
        select * from vyapar.store_users m where m.user_id = p_user and m.is_active order by m.store_id limit p_limit;
end
$$;

-- Stores the new state where the version is the expected one and the store keeps an owner.
-- Answers `updated`, `stale` or `last_owner`; the last two write nothing.
create function vyapar.update_store_user(p_member jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer)
returns varchar
language plpgsql as $$
declare
    v_store uuid := (p_member ->> 'store_id')::uuid;
    v_user  uuid := (p_member ->> 'user_id')::uuid;
    v_owns  boolean;
begin
    perform vyapar.enter(array[v_store], p_lock_timeout);
    if not ((p_member ->> 'is_active')::boolean and p_member ->> 'role' = 'owner') then
        -- He may be an owner who goes: owners of one store go one after the other, and each
        -- sees, in a statement of its own, what those before him left.
        perform from vyapar.stores s where s.id = v_store for no key update;
        select m.is_active and m.role = 'owner' into v_owns from vyapar.store_users m
         where m.store_id = v_store and m.user_id = v_user and m.version = p_expected for no key update;
        if not found then
            return 'stale';
        end if;
        if v_owns and not exists (
            select from vyapar.store_users m
             where m.store_id = v_store and m.user_id <> v_user and m.is_active and m.role = 'owner')
        then
            return 'last_owner';
        end if;
    end if;
    update vyapar.store_users m
       set role = n.role, permissions = n.permissions, is_active = n.is_active, version = p_expected + 1,
           updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.store_users, p_member) n
     where m.store_id = n.store_id and m.user_id = n.user_id and m.version = p_expected;
    if not found then
        return 'stale';
    end if;
    perform vyapar.insert_audit(p_audit);
    return 'updated';
end
$$;

-- Adds an invitation; one that is there stays as it is.
create function vyapar.insert_invitation(p_invitation jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_invitation ->> 'store_id')::uuid], p_lock_timeout);
    insert into vyapar.store_invitations
        select * from jsonb_populate_record(null::vyapar.store_invitations, p_invitation)
    on conflict do nothing;
    if found then
        perform vyapar.insert_audit(p_audit);
    end if;
end
$$;

-- Uses an open invitation up and makes the member, or makes one who left a member again.
-- Answers `accepted`, `not_open` or `already_member`; the last two write nothing.
create function vyapar.accept_invitation(
    p_id uuid, p_member jsonb, p_now timestamptz, p_audit jsonb, p_lock_timeout integer
) returns varchar
language plpgsql as $$
declare
    v_store uuid := (p_member ->> 'store_id')::uuid;
begin
    perform vyapar.enter(array[v_store], p_lock_timeout);
    perform from vyapar.store_invitations i
      where i.id = p_id and i.store_id = v_store and i.accepted_at is null and i.revoked_at is null
        and i.expires_at > p_now
        for no key update;
    if not found then
        return 'not_open';
    end if;
    insert into vyapar.store_users as m select * from jsonb_populate_record(null::vyapar.store_users, p_member)
    on conflict (store_id, user_id) do update
       set role = excluded.role, permissions = excluded.permissions, is_active = excluded.is_active,
           version = m.version + 1, updated_at = excluded.updated_at
     where not m.is_active;
    if not found then
        return 'already_member';
    end if;
    update vyapar.store_invitations i set accepted_at = p_now where i.id = p_id;
    perform vyapar.insert_audit(p_audit);
    return 'accepted';
end
$$;

create function vyapar.revoke_invitation(
    p_store uuid, p_id uuid, p_now timestamptz, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    update vyapar.store_invitations i set revoked_at = p_now
     where i.id = p_id and i.store_id = p_store and i.accepted_at is null and i.revoked_at is null;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- Puts another sealed text in the place of one; says whether that one stood there.
create function vyapar.replace_store_text(
    p_id uuid, p_column varchar, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.stores s
       set owner_name = case p_column when 'owner_name' then p_to else s.owner_name end,
           phone = case p_column when 'phone' then p_to else s.phone end,
           email = case p_column when 'email' then p_to else s.email end,
           whatsapp_number = case p_column when 'whatsapp_number' then p_to else s.whatsapp_number end
     where s.id = p_id
       and p_from = case p_column when 'owner_name' then s.owner_name when 'phone' then s.phone
                                  when 'email' then s.email when 'whatsapp_number' then s.whatsapp_number end;
    return found;
end
$$;

create function vyapar.replace_invitation_text(p_id uuid, p_from bytea, p_to bytea, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.store_invitations i set contact = p_to where i.id = p_id and i.contact = p_from;
    return found;
end
$$;
