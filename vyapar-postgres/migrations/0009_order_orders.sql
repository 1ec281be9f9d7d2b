-- Orders with their lines and history (spec: orders, order_items, order_status_history).

-- The key of every order that is or will never be: inserting and abandoning exclude each
-- other here.
create table vyapar.order_slots (
    store_id     uuid        not null,
    order_id     varchar collate "C" not null,
    abandoned_at timestamptz,
    primary key (store_id, order_id)
);

-- Order ids sort as bytes, whatever the database's language: that is by time.
create table vyapar.orders (
    id                 varchar collate "C" not null,
    order_number       varchar        not null,
    tracking_id        varchar        not null constraint orders_tracking_id unique,
    store_id           uuid           not null,
    customer_id        uuid           not null,
    -- Who ordered, where it goes and free text arrive sealed.
    customer_name      bytea          not null,
    customer_phone     bytea          not null,
    delivery_address   bytea,
    delivery_notes     bytea,
    customer_note      bytea,
    cancel_reason      bytea,
    cancelled_by       varchar,
    place_of_supply    varchar        not null,
    fulfilment         varchar        not null,
    status             varchar        not null check (status in
        ('placed', 'confirmed', 'preparing', 'ready', 'out_for_delivery', 'delivered', 'cancelled')),
    subtotal_amount    numeric(15, 2) not null,
    discount_amount    numeric(15, 2) not null,
    tax_amount         numeric(15, 2) not null,
    delivery_fee       numeric(15, 2) not null,
    total_amount       numeric(15, 2) not null,
    payment_method     varchar        not null,
    payment_status     varchar        not null,
    paid_by            uuid,
    payment_id         varchar,
    reservation_id     uuid           not null,
    attempt            integer        not null,
    fingerprint        bytea          not null,
    dispatched         boolean        not null,
    channel            varchar        not null,
    language           varchar        not null,
    estimated_delivery timestamptz,
    -- What must still follow from the last changes; recovery looks at it from recover_at on.
    effects            jsonb          not null,
    recover_at         timestamptz,
    failures           integer        not null,
    version            bigint         not null check (version > 0),
    created_at         timestamptz    not null,
    updated_at         timestamptz    not null,
    primary key (store_id, id),
    foreign key (store_id, id) references vyapar.order_slots (store_id, order_id)
);
create index orders_store_time_status on vyapar.orders (store_id, created_at, status);
create index orders_store_status on vyapar.orders (store_id, status, id);
create index orders_customer on vyapar.orders (customer_id, id);
create index orders_recover on vyapar.orders (recover_at) where recover_at is not null;
create index orders_failing on vyapar.orders (failures, recover_at) where recover_at is not null and failures > 0;

create table vyapar.order_items (
    id               uuid           not null primary key,
    store_id         uuid           not null,
    order_id         varchar collate "C" not null,
    line_no          integer        not null,
    store_product_id uuid           not null,
    product_name     varchar        not null,
    quantity         numeric(12, 3) not null,
    ordered_quantity numeric(12, 3) not null,
    unit_price       numeric(15, 2) not null,
    mrp              numeric(15, 2) not null,
    tax_rate         numeric(5, 2)  not null,
    taxable_amount   numeric(15, 2) not null,
    cgst_amount      numeric(15, 2) not null,
    sgst_amount      numeric(15, 2) not null,
    igst_amount      numeric(15, 2) not null,
    tax_amount       numeric(15, 2) not null,
    discount_amount  numeric(15, 2) not null,
    total_amount     numeric(15, 2) not null,
    notes            text,
    created_at       timestamptz    not null,
    foreign key (store_id, order_id) references vyapar.orders (store_id, id)
);
create unique index order_items_order on vyapar.order_items (store_id, order_id, line_no);

create table vyapar.order_status_history (
    id         uuid        not null primary key,
    store_id   uuid        not null,
    order_id   varchar collate "C" not null,
    version    bigint      not null,
    status     varchar     not null,
    party      varchar     not null,
    changed_by uuid,
    notes      bytea,
    created_at timestamptz not null,
    foreign key (store_id, order_id) references vyapar.orders (store_id, id)
);
create unique index order_status_history_order on vyapar.order_status_history (store_id, order_id, version);

select from vyapar.isolate_by_store('order_slots');
select from vyapar.isolate_by_store('orders');
select from vyapar.isolate_by_store('order_items');
select from vyapar.isolate_by_store('order_status_history');

-- A customer reads his own orders in every store: the transaction names him.
create policy own_orders on vyapar.orders for select to vyapar_app using (
    customer_id = (select nullif(current_setting('vyapar.customer', true), '')::uuid));
create policy own_orders on vyapar.order_items for select to vyapar_app using (
    (select nullif(current_setting('vyapar.customer', true), '')) is not null
    and exists (
        select from vyapar.orders o
         where o.store_id = order_items.store_id and o.id = order_items.order_id
           and o.customer_id = nullif(current_setting('vyapar.customer', true), '')::uuid));

-- Deleting a slot takes back what the same transaction put down.
grant select, insert, delete on vyapar.order_slots to vyapar_app;
grant select, insert, update on vyapar.orders, vyapar.order_items to vyapar_app;
grant select, insert on vyapar.order_status_history to vyapar_app;

-- Adds an order, whole. Answers `inserted`, `already_there`, `abandoned` or
-- `tracking_id_taken`; the last three write nothing.
create function vyapar.insert_order(
    p_order jsonb, p_items jsonb, p_history jsonb, p_audit jsonb, p_lock_timeout integer
) returns varchar
language plpgsql as $$
declare
    v_store     uuid := (p_order ->> 'store_id')::uuid;
    v_order     varchar := p_order ->> 'id';
    v_abandoned timestamptz;
begin
    perform vyapar.enter(array[v_store], p_lock_timeout);
    -- Whoever inserts or abandons the same order waits here for the outcome.
    insert into vyapar.order_slots (store_id, order_id) values (v_store, v_order) on conflict do nothing;
    if not found then
        select s.abandoned_at into v_abandoned from vyapar.order_slots s
         where s.store_id = v_store and s.order_id = v_order;
        return case when v_abandoned is null then 'already_there' else 'abandoned' end;
    end if;
    insert into vyapar.orders select * from jsonb_populate_record(null::vyapar.orders, p_order)
    on conflict (tracking_id) do nothing;
    if not found then
        delete from vyapar.order_slots s where s.store_id = v_store and s.order_id = v_order;
        return 'tracking_id_taken';
    end if;
    insert into vyapar.order_items select * from jsonb_populate_recordset(null::vyapar.order_items, p_items);
    insert into vyapar.order_status_history
        select * from jsonb_populate_record(null::vyapar.order_status_history, p_history);
    perform vyapar.insert_audit(p_audit);
    return 'inserted';
end
$$;

-- Marks that an order will never be, unless it is there; says whether the marker stands.
create function vyapar.abandon_order(p_store uuid, p_order varchar, p_now timestamptz, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    insert into vyapar.order_slots (store_id, order_id, abandoned_at) values (p_store, p_order, p_now)
    on conflict do nothing;
    return found or exists (
        select from vyapar.order_slots s
         where s.store_id = p_store and s.order_id = p_order and s.abandoned_at is not null);
end
$$;

-- Stores the new state, lines, history and audit entry where the version is the expected
-- one; says whether it was. Lines are never added or removed, only their quantities and
-- amounts change.
create function vyapar.update_order(
    p_order jsonb, p_items jsonb, p_expected bigint, p_history jsonb, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_order ->> 'store_id')::uuid], p_lock_timeout);
    update vyapar.orders o
       set customer_name = n.customer_name, customer_phone = n.customer_phone,
           delivery_address = n.delivery_address, delivery_notes = n.delivery_notes,
           customer_note = n.customer_note, cancel_reason = n.cancel_reason, cancelled_by = n.cancelled_by,
           place_of_supply = n.place_of_supply, fulfilment = n.fulfilment, status = n.status,
           subtotal_amount = n.subtotal_amount, discount_amount = n.discount_amount, tax_amount = n.tax_amount,
           delivery_fee = n.delivery_fee, total_amount = n.total_amount, payment_method = n.payment_method,
           payment_status = n.payment_status, paid_by = n.paid_by, payment_id = n.payment_id,
           dispatched = n.dispatched, language = n.language, estimated_delivery = n.estimated_delivery,
           effects = n.effects, recover_at = n.recover_at, failures = n.failures, version = p_expected + 1,
           updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.orders, p_order) n
     where o.store_id = n.store_id and o.id = n.id and o.version = p_expected;
    if not found then
        return false;
    end if;
    update vyapar.order_items i
       set quantity = n.quantity, taxable_amount = n.taxable_amount, cgst_amount = n.cgst_amount,
           sgst_amount = n.sgst_amount, igst_amount = n.igst_amount, tax_amount = n.tax_amount,
           discount_amount = n.discount_amount, total_amount = n.total_amount, notes = n.notes
      from jsonb_populate_recordset(null::vyapar.order_items, p_items) n
     where i.id = n.id and i.store_id = n.store_id and i.order_id = n.order_id
       and (i.quantity, i.taxable_amount, i.cgst_amount, i.sgst_amount, i.igst_amount, i.discount_amount,
            i.total_amount, i.notes)
           is distinct from
           (n.quantity, n.taxable_amount, n.cgst_amount, n.sgst_amount, n.igst_amount, n.discount_amount,
            n.total_amount, n.notes);
    if p_history is not null then
        insert into vyapar.order_status_history
            select * from jsonb_populate_record(null::vyapar.order_status_history, p_history);
    end if;
    if p_audit is not null then
        perform vyapar.insert_audit(p_audit);
    end if;
    return true;
end
$$;

-- An order's lines as they stand, numbers as text. Read in the statement that reads the
-- order, so that the two are of one state.
create function vyapar.items_of(p_store uuid, p_order varchar) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'id', i.id, 'store_product_id', i.store_product_id, 'product_name', i.product_name,
               'quantity', i.quantity::text, 'ordered_quantity', i.ordered_quantity::text,
               'unit_price', i.unit_price::text, 'mrp', i.mrp::text, 'tax_rate', i.tax_rate::text,
               'taxable_amount', i.taxable_amount::text, 'cgst_amount', i.cgst_amount::text,
               'sgst_amount', i.sgst_amount::text, 'igst_amount', i.igst_amount::text,
               'discount_amount', i.discount_amount::text, 'total_amount', i.total_amount::text,
               'notes', i.notes) order by i.line_no), '[]')
      from vyapar.order_items i
     where i.store_id = p_store and i.order_id = p_order
$$;

-- What stands under an order's key: no row, the abandoned marker, or the order.
create function vyapar.find_order(p_store uuid, p_id varchar, p_lock_timeout integer)
returns table (abandoned boolean, found vyapar.orders, items jsonb)
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query
        select s.abandoned_at is not null, o, case when o.id is not null then vyapar.items_of(o.store_id, o.id) end
          from vyapar.order_slots s
          left join vyapar.orders o on o.store_id = s.store_id and o.id = s.order_id
         where s.store_id = p_store and s.order_id = p_id;
end
$$;
