-- Permissions, roles, and what users were given (spec: permissions, roles, user_permissions).

-- Ids sort as bytes, whatever the database's language.
create table vyapar.permissions (
    permission_id varchar collate "C" not null constraint permissions_pkey primary key,
    name          varchar     not null,
    description   varchar     not null,
    category      varchar     not null check (category in
        ('product_management', 'user_management', 'role_management', 'analytics', 'settings')),
    resource      varchar     not null,
    action        varchar     not null,
    status        varchar     not null check (status in ('active', 'deprecated')),
    version       bigint      not null check (version > 0),
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);
-- The spec's indexes here and below; `Category`, `Hierarchy`, `UserPermissions`,
-- `PermissionUsers`.
create index permissions_category on vyapar.permissions (category, status, permission_id);

create table vyapar.roles (
    role_id         varchar collate "C" not null constraint roles_pkey primary key,
    role_name       varchar     not null,
    description     varchar     not null,
    -- Ids, or `*` alone.
    permissions     varchar[]   not null,
    hierarchy_level integer     not null check (hierarchy_level between 1 and 100),
    scope           varchar     not null check (scope in ('platform', 'stores')),
    is_system_role  boolean     not null,
    status          varchar     not null check (status in ('active', 'inactive')),
    -- A deleted role stays, so that its id is never used again.
    deleted_at      timestamptz,
    version         bigint      not null check (version > 0),
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);
create index roles_level on vyapar.roles (hierarchy_level, role_id) where deleted_at is null;
create index roles_hierarchy on vyapar.roles (status, hierarchy_level, role_id) where deleted_at is null;

-- The record that a user's grants are written through.
create table vyapar.user_grants (
    user_id   uuid    not null primary key,
    suspended boolean not null,
    version   bigint  not null check (version > 0)
);

create table vyapar.user_permissions (
    assignment_id   varchar     not null primary key,
    user_id         uuid        not null references vyapar.user_grants (user_id),
    -- A permission's or a role's.
    permission_id   varchar collate "C" not null,
    granted_by      uuid,
    assignment_type varchar collate "C" not null check (assignment_type in ('direct', 'role_inherited', 'override')),
    effect          varchar     not null check (effect in ('allow', 'deny')),
    scope           varchar     not null check (scope in ('platform', 'stores')),
    expires_at      timestamptz,
    assigned_at     timestamptz not null
);
create index user_permissions_user on vyapar.user_permissions (user_id, assignment_type);
create index user_permissions_permission on vyapar.user_permissions (permission_id, user_id, assignment_type);

-- How many super admins there are: one row, locked by whoever makes or removes one.
create table vyapar.access_guard (
    only_row     boolean not null primary key check (only_row),
    super_admins bigint  not null check (super_admins >= 0)
);
insert into vyapar.access_guard values (true, 0);

-- The catalogue is no secret; who changes it says so.
select from vyapar.isolate_identity('permissions');
select from vyapar.isolate_identity('roles');
create policy readable on vyapar.permissions for select to vyapar_app using (true);
create policy readable on vyapar.roles for select to vyapar_app using (true);
select from vyapar.isolate_identity('user_grants', 'user_id');
select from vyapar.isolate_identity('user_permissions', 'user_id');
select from vyapar.isolate_identity('access_guard');
grant select, insert, update on vyapar.permissions, vyapar.roles, vyapar.user_grants to vyapar_app;
grant select, insert, delete on vyapar.user_permissions to vyapar_app;
grant select, update on vyapar.access_guard to vyapar_app;

create function vyapar.insert_permission(p_permission jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    insert into vyapar.permissions select * from jsonb_populate_record(null::vyapar.permissions, p_permission);
    perform vyapar.insert_audit(p_audit);
end
$$;

create function vyapar.find_permissions(p_ids varchar[], p_lock_timeout integer) returns setof vyapar.permissions
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    return query select * from vyapar.permissions p where p.permission_id = any (p_ids);
end
$$;

-- Stores the new state where the version is the expected one; says whether it was.
create function vyapar.update_permission(
    p_permission jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.permissions p
       set name = n.name, description = n.description, category = n.category, resource = n.resource,
           action = n.action, status = n.status, version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.permissions, p_permission) n
     where p.permission_id = n.permission_id and p.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

create function vyapar.insert_role(p_role jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    insert into vyapar.roles select * from jsonb_populate_record(null::vyapar.roles, p_role);
    perform vyapar.insert_audit(p_audit);
end
$$;

create function vyapar.find_roles(p_ids varchar[], p_lock_timeout integer) returns setof vyapar.roles
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    return query select * from vyapar.roles r where r.role_id = any (p_ids);
end
$$;

create function vyapar.update_role(p_role jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_identity(p_lock_timeout);
    update vyapar.roles r
       set role_name = n.role_name, description = n.description, permissions = n.permissions,
           hierarchy_level = n.hierarchy_level, scope = n.scope, status = n.status, deleted_at = n.deleted_at,
           version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.roles, p_role) n
     where r.role_id = n.role_id and r.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- A user's grants, a row for each assignment; one without where he has none.
create function vyapar.find_grants(p_user uuid, p_lock_timeout integer)
returns table (suspended boolean, version bigint, given vyapar.user_permissions)
language plpgsql as $$
begin
    perform vyapar.enter_user(p_user, p_lock_timeout);
    return query
        select g.suspended, g.version, p
          from vyapar.user_grants g left join vyapar.user_permissions p on p.user_id = g.user_id
         where g.user_id = p_user;
end
$$;

-- Stores a user's grants where the version is the expected one (0: there are none yet) and the
-- guard allows what they do to the number of super admins: `keep`, `first`, `add`, `remove`.
-- Answers `saved`, `stale` or `guarded`; the last two write nothing. The guard's row is locked
-- before the user's, and nothing is written before all is decided.
create function vyapar.save_grants(
    p_user uuid, p_suspended boolean, p_assignments jsonb, p_expected bigint, p_guard varchar, p_audit jsonb,
    p_lock_timeout integer
) returns varchar
language plpgsql as $$
declare
    v_admins  bigint;
    v_version bigint;
begin
    perform vyapar.enter_identity(p_lock_timeout);
    if p_guard <> 'keep' then
        select a.super_admins into v_admins from vyapar.access_guard a for no key update;
    end if;
    select g.version into v_version from vyapar.user_grants g where g.user_id = p_user for no key update;
    if coalesce(v_version, 0) <> p_expected then
        return 'stale';
    end if;
    if p_guard = 'first' and v_admins > 0 or p_guard = 'remove' and v_admins < 2 then
        return 'guarded';
    end if;
    if p_expected = 0 then
        -- Whoever else makes the record waits here for the outcome.
        insert into vyapar.user_grants values (p_user, p_suspended, 1) on conflict do nothing;
        if not found then
            return 'stale';
        end if;
    else
        update vyapar.user_grants g set suspended = p_suspended, version = p_expected + 1 where g.user_id = p_user;
        delete from vyapar.user_permissions p where p.user_id = p_user;
    end if;
    if p_guard <> 'keep' then
        update vyapar.access_guard set super_admins = v_admins + case p_guard when 'remove' then -1 else 1 end;
    end if;
    insert into vyapar.user_permissions
        select * from jsonb_populate_recordset(null::vyapar.user_permissions, p_assignments);
    perform vyapar.insert_audit(p_audit);
    return 'saved';
end
$$;
