-- Stock: levels, movements, reservations (spec: the stock columns of store_products,
-- stock_movements).
--
-- current_stock is free to sell, reserved_stock is held for open orders. A level is a narrow
-- row of its own because every sale rewrites it; it also exists where the product's own row
-- lives in another backend.

create table vyapar.stock_levels (
    store_id          uuid           not null,
    store_product_id  uuid           not null,
    stock_unit        varchar        not null,
    current_stock     numeric(12, 3) not null constraint stock_levels_current_stock check (current_stock >= 0),
    reserved_stock    numeric(12, 3) not null constraint stock_levels_reserved_stock check (reserved_stock >= 0),
    -- The number of the product's last movement.
    seq               bigint         not null,
    last_stock_update timestamptz    not null,
    primary key (store_id, store_product_id),
    constraint stock_levels_on_hand check (current_stock + reserved_stock <= 999999999.999)
) with (fillfactor = 50); -- room beside a hot row for its next versions (HOT updates)

-- Numbered without gaps per product, each with the exact balance after it. Never updated or
-- deleted: the role may not.
create table vyapar.stock_movements (
    id               uuid           not null generated always as (
        encode(substring(sha256(uuid_send(store_product_id) || int8send(seq)) from 1 for 16), 'hex')::uuid) stored,
    store_id         uuid           not null,
    store_product_id uuid           not null,
    seq              bigint         not null,
    movement_type    varchar        not null
        check (movement_type in ('purchase', 'sale', 'return', 'adjustment', 'damage', 'expiry')),
    quantity         numeric(12, 3) not null,
    balance_after    numeric(12, 3) not null,
    reference_type   varchar        not null,
    reference_id     varchar        not null,
    reason           text,
    performed_by     uuid,
    created_at       timestamptz    not null,
    primary key (store_id, store_product_id, seq)
);
create index stock_movements_product_time on vyapar.stock_movements (store_product_id, created_at);

-- Operations of a store's people that were applied, so that repeating one changes nothing.
-- `products` and `seqs` name the movements it left, in the order of its lines.
create table vyapar.stock_operations (
    store_id     uuid        not null,
    operation_id uuid        not null,
    products     uuid[]      not null,
    seqs         bigint[]    not null,
    created_at   timestamptz not null,
    primary key (store_id, operation_id)
);

-- A reservation with its lines, which change only together: parallel arrays, by product id.
create table vyapar.reservations (
    store_id    uuid             not null,
    id          uuid             not null,
    attempt     integer          not null check (attempt > 0),
    order_id    varchar          not null,
    fingerprint bytea,
    state       varchar          not null check (state in ('held', 'committed', 'dispatched', 'released')),
    open        boolean          not null,
    product_ids uuid[]           not null,
    quantities  numeric(12, 3)[] not null,
    given_back  numeric(12, 3)[] not null,
    -- The operations that gave goods back, so that repeating one changes nothing.
    returns     uuid[]           not null default '{}',
    revision    bigint           not null,
    due         timestamptz      not null,
    recover_at  timestamptz      not null,
    failures    integer          not null,
    created_at  timestamptz      not null,
    updated_at  timestamptz      not null,
    primary key (store_id, id),
    check (cardinality(product_ids) = cardinality(quantities) and cardinality(quantities) = cardinality(given_back))
);
create index reservations_due on vyapar.reservations (store_id, due) where state = 'held';
create index reservations_recover on vyapar.reservations (recover_at) where open;
create index reservations_failing on vyapar.reservations (failures, recover_at) where open and failures > 0;
create index reservations_holding on vyapar.reservations (store_id) where state in ('held', 'committed');

select from vyapar.isolate_by_store('stock_levels');
select from vyapar.isolate_by_store('stock_movements');
select from vyapar.isolate_by_store('stock_operations');
select from vyapar.isolate_by_store('reservations');
grant select, insert, update on vyapar.stock_levels to vyapar_app;
grant select, insert on vyapar.stock_movements to vyapar_app;
-- Deleting takes back a row that the same transaction put down to hold its key.
grant select, insert, update, delete on vyapar.stock_operations, vyapar.reservations to vyapar_app;

-- One change of one level: `quantity` of current_stock with its movement (none when zero),
-- `reserved` of reserved_stock.
create type vyapar.stock_entry as (
    store_id         uuid,
    store_product_id uuid,
    quantity         numeric,
    reserved         numeric,
    movement_type    varchar,
    reference_type   varchar,
    reference_id     varchar,
    reason           text,
    performed_by     uuid,
    created_at       timestamptz
);

-- Books entries in their order. Levels are locked by product id before anything is read, as
-- everywhere; the caller has locked its reservation or operation row before.
create function vyapar.book_stock(p_entries vyapar.stock_entry[]) returns void
language plpgsql as $$
declare
    v_products integer;
    v_changed  integer;
begin
    perform from vyapar.stock_levels l
      where (l.store_id, l.store_product_id) in (select e.store_id, e.store_product_id from unnest(p_entries) e)
      order by l.store_product_id, l.store_id
        for no key update of l;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, reason, performed_by, created_at)
    select e.store_id, e.store_product_id, l.seq + row_number() over w, e.movement_type, e.quantity,
           l.current_stock + sum(e.quantity) over w, e.reference_type, e.reference_id, e.reason, e.performed_by,
           e.created_at
      from unnest(p_entries) with ordinality as e(store_id, store_product_id, quantity, reserved, movement_type,
               reference_type, reference_id, reason, performed_by, created_at, n)
      join vyapar.stock_levels l on l.store_id = e.store_id and l.store_product_id = e.store_product_id
     where e.quantity <> 0
    window w as (partition by e.store_id, e.store_product_id order by e.n);
    update vyapar.stock_levels l
       set current_stock = l.current_stock + e.quantity,
           reserved_stock = l.reserved_stock + e.reserved,
           seq = l.seq + e.movements,
           last_stock_update = e.created_at
      from (select store_id, store_product_id, sum(quantity) as quantity, sum(reserved) as reserved,
                   count(*) filter (where quantity <> 0) as movements, max(created_at) as created_at
              from unnest(p_entries) group by store_id, store_product_id) e
     where l.store_id = e.store_id and l.store_product_id = e.store_product_id;
    get diagnostics v_changed = row_count;
    select count(distinct (store_id, store_product_id)) into v_products from unnest(p_entries);
    if v_changed <> v_products then
        raise exception using errcode = 'VY001', message = 'stock_levels: a held product has no level';
    end if;
end
$$;

-- The entries that take a reservation's lines out of `reserved`; times p_back back to current.
create function vyapar.entries_of(
    p_found vyapar.reservations, p_back integer, p_type varchar, p_now timestamptz
) returns vyapar.stock_entry[]
language sql as $$
    select coalesce(array_agg((p_found.store_id, l.product, p_back * l.quantity, -l.quantity, p_type, 'order',
                               p_found.order_id, null, null, p_now)::vyapar.stock_entry order by l.n), '{}')
      from unnest(p_found.product_ids, p_found.quantities) with ordinality as l(product, quantity, n)
     where l.quantity > 0
$$;

create function vyapar.find_levels(p_store uuid, p_products uuid[], p_lock_timeout integer)
returns setof vyapar.stock_levels
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query
        select * from vyapar.stock_levels l where l.store_id = p_store and l.store_product_id = any (p_products);
end
$$;

create function vyapar.find_reservation(p_store uuid, p_id uuid, p_lock_timeout integer)
returns setof vyapar.reservations
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query select * from vyapar.reservations r where r.store_id = p_store and r.id = p_id;
end
$$;
