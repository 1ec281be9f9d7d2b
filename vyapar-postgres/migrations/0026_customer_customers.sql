-- Customers, their addresses, and the orders that count in their totals (spec: customers,
-- customer_addresses).

create table vyapar.customers (
    id               uuid           not null primary key,
    user_id          uuid,
    preferred_stores uuid[]         not null,
    -- The id of the address that is the default: the address itself is sealed, in its own row.
    default_address  text,
    loyalty_points   bigint         not null check (loyalty_points >= 0),
    total_orders     bigint         not null check (total_orders >= 0),
    total_spent      numeric(15, 2) not null,
    erased_at        timestamptz,
    version          bigint         not null check (version > 0),
    created_at       timestamptz    not null,
    updated_at       timestamptz    not null
);

-- An address is reached through its customer only, so his id is part of the key: no other
-- customer's id, whoever chose it, stands in the way of his.
create table vyapar.customer_addresses (
    id                 uuid        not null,
    customer_id        uuid        not null references vyapar.customers (id),
    -- Its place among his addresses, the oldest first.
    position           integer     not null,
    address_type       varchar     not null check (address_type in ('home', 'work', 'other')),
    -- Street and landmark arrive sealed.
    address_line1      bytea       not null,
    address_line2      bytea,
    city               varchar     not null,
    state              varchar     not null,
    pincode            varchar(6)  not null,
    landmark           bytea,
    latitude           double precision,
    longitude          double precision,
    geocoding_due      timestamptz,
    geocoding_failures bigint,
    is_default         boolean     not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    primary key (customer_id, id),
    check ((latitude is null) = (longitude is null)),
    check ((geocoding_due is null) = (geocoding_failures is null))
);
-- The spec's index; at most one default; what waits for its coordinates.
create index customer_addresses_coordinates on vyapar.customer_addresses (customer_id, latitude, longitude);
create unique index customer_addresses_default on vyapar.customer_addresses (customer_id) where is_default;
create index customer_addresses_geocoding on vyapar.customer_addresses (geocoding_due, customer_id)
    where geocoding_due is not null;

-- Each order that was credited: that it is here makes it count once.
create table vyapar.customer_credits (
    customer_id uuid           not null references vyapar.customers (id),
    order_id    varchar        not null,
    store_id    uuid           not null,
    spent       numeric(15, 2) not null,
    points      bigint         not null,
    created_at  timestamptz    not null,
    primary key (customer_id, order_id)
);

-- Binds a table to the customer that the transaction names in `vyapar.customer`, who owns it.
-- Sweeps over all stores read it. (The comparison stands inside the select so that the planner
-- expects half of the rows.)
create function vyapar.isolate_by_customer(p_table text, p_column text) returns void
language plpgsql as $$
begin
    execute format('alter table vyapar.%I enable row level security', p_table);
    execute format(
        $policy$
        create policy own_rows on vyapar.%I to vyapar_app
            using (%I = (select nullif(current_setting('vyapar.customer', true), '')::uuid))
        $policy$, p_table, p_column);
    execute format(
        $policy$
        create policy sweeps on vyapar.%I for select to vyapar_app
            using ((select current_setting('vyapar.all_stores', true) = 'on'))
        $policy$, p_table);
end
$$;
revoke all on function vyapar.isolate_by_customer(text, text) from public;

select from vyapar.isolate_by_customer('customers', 'id');
select from vyapar.isolate_by_customer('customer_addresses', 'customer_id');
select from vyapar.isolate_by_customer('customer_credits', 'customer_id');
-- The sweep that seals texts anew writes them too.
create policy resealing on vyapar.customer_addresses for update to vyapar_app
    using ((select current_setting('vyapar.all_stores', true) = 'on'));
grant select, insert, update on vyapar.customers to vyapar_app;
grant select, insert, update, delete on vyapar.customer_addresses to vyapar_app;
grant select, insert on vyapar.customer_credits to vyapar_app;

-- For what one customer owns.
create function vyapar.enter_customer(p_customer uuid, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter('{}', p_lock_timeout);
    perform set_config('vyapar.customer', p_customer::text, true);
end
$$;

-- Adds a customer with his addresses, and with nothing in his totals; says whether it did.
create function vyapar.insert_customer(p_customer jsonb, p_addresses jsonb, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_customer((p_customer ->> 'id')::uuid, p_lock_timeout);
    insert into vyapar.customers
        select * from jsonb_populate_record(null::vyapar.customers,
            p_customer || '{"loyalty_points": 0, "total_orders": 0, "total_spent": 0}')
    on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into vyapar.customer_addresses
        select * from jsonb_populate_recordset(null::vyapar.customer_addresses, p_addresses);
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- A customer, and a row for each of his addresses, in their order. (Stable, so that both are of
-- one state.)
create function vyapar.find_customer(p_id uuid, p_lock_timeout integer)
returns table (customer vyapar.customers, address vyapar.customer_addresses)
language plpgsql stable as $$
begin
    perform vyapar.enter_customer(p_id, p_lock_timeout);
    return query select c, null::vyapar.customer_addresses from vyapar.customers c where c.id = p_id;
    return query
        select null::vyapar.customers, a from vyapar.customer_addresses a where a.customer_id = p_id
         order by a.position;
end
$$;

-- Stores the new state where the version is the expected one; says whether it was. Totals stay.
create function vyapar.update_customer(
    p_customer jsonb, p_addresses jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
declare
    v_id uuid := (p_customer ->> 'id')::uuid;
begin
    perform vyapar.enter_customer(v_id, p_lock_timeout);
    update vyapar.customers c
       set user_id = n.user_id, preferred_stores = n.preferred_stores, default_address = n.default_address,
           erased_at = n.erased_at, version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.customers, p_customer) n
     where c.id = v_id and c.version = p_expected;
    if not found then
        return false;
    end if;
    -- They are few, and which of them is the default may have moved: none may see two.
    delete from vyapar.customer_addresses a where a.customer_id = v_id;
    insert into vyapar.customer_addresses
        select * from jsonb_populate_recordset(null::vyapar.customer_addresses, p_addresses);
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- Adds a delivered order to the totals, once. Answers `credited`, `already` or `no_customer`; the
-- last two write nothing. Who repeats it at the same time waits for the row that the first one
-- adds, and then finds it.
create function vyapar.credit_customer(
    p_customer uuid, p_order varchar, p_store uuid, p_spent numeric, p_points bigint, p_now timestamptz,
    p_lock_timeout integer
) returns varchar
language plpgsql as $$
begin
    perform vyapar.enter_customer(p_customer, p_lock_timeout);
    insert into vyapar.customer_credits (customer_id, order_id, store_id, spent, points, created_at)
        select c.id, p_order, p_store, p_spent, p_points, p_now from vyapar.customers c where c.id = p_customer
    on conflict do nothing;
    if not found then
        return case when exists (select from vyapar.customers c where c.id = p_customer)
                    then 'already' else 'no_customer' end;
    end if;
    update vyapar.customers c
       set loyalty_points = c.loyalty_points + p_points, total_orders = c.total_orders + 1,
           total_spent = c.total_spent + p_spent
     where c.id = p_customer;
    return 'credited';
end
$$;

-- Customers with an address that is due, the longest due first, as `find_customer` gives each.
-- Only so many addresses are looked at as that number of customers can have at most (p_addresses):
-- the first that are due are theirs.
create function vyapar.find_customers_to_geocode(
    p_now timestamptz, p_limit bigint, p_addresses bigint, p_lock_timeout integer
) returns table (customer vyapar.customers, address vyapar.customer_addresses)
language plpgsql stable as $$
declare
    v_ids uuid[];
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    v_ids := array(
        select due.customer_id
          from (select a.customer_id, a.geocoding_due from vyapar.customer_addresses a
                 where a.geocoding_due <= p_now order by a.geocoding_due, a.customer_id limit p_addresses) due
         group by due.customer_id order by min(due.geocoding_due), due.customer_id limit p_limit);
    return query
        select c, null::vyapar.customer_addresses
          from unnest(v_ids) with ordinality w(id, place) join vyapar.customers c on c.id = w.id order by w.place;
    return query
        select null::vyapar.customers, a from vyapar.customer_addresses a where a.customer_id = any (v_ids)
         order by a.customer_id, a.position;
end
$$;

-- Puts another sealed text in the place of one; says whether that one stood there.
create function vyapar.replace_address_text(
    p_customer uuid, p_id uuid, p_column varchar, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.customer_addresses a
       set address_line1 = case p_column when 'address_line1' then p_to else a.address_line1 end,
           address_line2 = case p_column when 'address_line2' then p_to else a.address_line2 end,
           landmark = case p_column when 'landmark' then p_to else a.landmark end
     where a.customer_id = p_customer and a.id = p_id
       and p_from = case p_column when 'address_line1' then a.address_line1
                                  when 'address_line2' then a.address_line2
                                  when 'landmark' then a.landmark end;
    return found;
end
$$;
