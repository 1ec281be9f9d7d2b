-- Stores (spec: stores). The tenant of everything else: `id` is the key that others carry.

create table vyapar.stores (
    id                     uuid          not null primary key,
    store_id               varchar(60)   not null constraint stores_store_id unique,
    store_name             varchar       not null,
    -- How to reach the owner arrives sealed and is stored as it came.
    owner_name             bytea         not null,
    email                  bytea,
    phone                  bytea         not null,
    whatsapp_number        bytea,
    address                text          not null,
    city                   varchar       not null,
    state                  varchar       not null,
    pincode                varchar(6)    not null,
    latitude               double precision,
    longitude              double precision,
    gstin                  varchar(15),
    store_type             varchar       not null,
    business_hours         jsonb,
    delivery_radius_km     numeric(6, 2) not null,
    min_order_amount       numeric(15, 2) not null,
    delivery_fee           numeric(15, 2) not null,
    preparation_minutes    bigint        not null,
    accepts_online_payment boolean       not null,
    status                 varchar       not null
        check (status in ('active', 'inactive', 'suspended', 'pending_verification')),
    verified               boolean       not null,
    rating                 numeric(3, 2),
    total_orders           integer,
    version                bigint        not null check (version > 0),
    created_at             timestamptz   not null,
    updated_at             timestamptz   not null,
    check ((latitude is null) = (longitude is null))
);

-- The spec's indexes, and one for lists by status.
create index stores_slug_status on vyapar.stores (store_id, status);
create index stores_coordinates on vyapar.stores (latitude, longitude);
create index stores_pincode on vyapar.stores (pincode, id);
create index stores_status on vyapar.stores (status, id);

alter table vyapar.stores enable row level security;
create policy store_isolation on vyapar.stores to vyapar_app using (
    id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[])
    or (select current_setting('vyapar.all_stores', true)) = 'on');

grant select, insert, update on vyapar.stores to vyapar_app;

create function vyapar.insert_store(p_store jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_store ->> 'id')::uuid], p_lock_timeout);
    insert into vyapar.stores select * from jsonb_populate_record(null::vyapar.stores, p_store);
    perform vyapar.insert_audit(p_audit);
end
$$;

-- Stores the new state where the version is the expected one; says whether it was.
create function vyapar.update_store(p_store jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_store ->> 'id')::uuid], p_lock_timeout);
    update vyapar.stores s
       set store_name = n.store_name, owner_name = n.owner_name, email = n.email, phone = n.phone,
           whatsapp_number = n.whatsapp_number, address = n.address, city = n.city, state = n.state,
           pincode = n.pincode, latitude = n.latitude, longitude = n.longitude, gstin = n.gstin,
           store_type = n.store_type, delivery_radius_km = n.delivery_radius_km,
           min_order_amount = n.min_order_amount, delivery_fee = n.delivery_fee,
           preparation_minutes = n.preparation_minutes, accepts_online_payment = n.accepts_online_payment,
           status = n.status, verified = n.verified, version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.stores, p_store) n
     where s.id = n.id and s.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- Hot reads are functions too: one round trip.
create function vyapar.find_store(p_id uuid, p_lock_timeout integer) returns setof vyapar.stores
language plpgsql as $$
begin
    perform vyapar.enter(array[p_id], p_lock_timeout);
    return query select * from vyapar.stores s where s.id = p_id;
end
$$;
